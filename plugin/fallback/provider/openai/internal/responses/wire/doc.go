// Package wire holds OpenAI's Responses API as it travels over HTTP: requests,
// answers and the events of a stream. Chat completions and what both APIs share, such
// as errors, are in package openaiwire, which the gateway uses, too.
//
// Decoding accepts the deviations of real servers; encoding follows the
// specification. The package does not depend on ADK or genai.
package wire
