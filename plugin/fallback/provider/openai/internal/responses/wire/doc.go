// Package wire holds OpenAI's Responses API as it travels over HTTP: requests, answers
// and the events of a stream. What it has in common with chat completions, such as
// errors, is in package openaiwire.
//
// Decoding accepts the deviations of real servers; encoding follows the
// specification. The package does not depend on ADK or genai.
package wire
