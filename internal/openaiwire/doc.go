// Package openaiwire holds the two protocols of OpenAI as they travel over
// HTTP: chat completions, which many servers speak, and Responses. It has their
// requests, answers, stream events and errors.
//
// Decoding accepts the deviations of real servers; encoding follows the
// specification. The package does not depend on ADK or genai and has no vendor's
// rules: those are in provider/openai.
package openaiwire
