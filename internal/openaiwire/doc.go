// Package openaiwire holds the parts of OpenAI's protocols that provider/openai and the
// gateway share, as they travel over HTTP: chat completions, embeddings and errors. The
// Responses API, which only the provider speaks, is in the provider's package wire.
//
// Decoding accepts the deviations of real servers; encoding follows the
// specification. The package does not depend on ADK or genai and has no vendor's
// rules: those are in provider/openai.
package openaiwire
