// Package openaiwire holds what provider/openai and the gateway both speak of OpenAI's
// protocols, as it travels over HTTP: chat completions, with which many servers can be
// called, embeddings, and the errors of every API. The Responses API is in the
// provider's package wire.
//
// Decoding accepts the deviations of real servers; encoding follows the
// specification. The package does not depend on ADK or genai and has no vendor's
// rules: those are in provider/openai.
package openaiwire
