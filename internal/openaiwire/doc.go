// Package openaiwire holds the two protocols of OpenAI as they travel over
// HTTP: chat completions, which many servers speak, and Responses. It has their
// requests, answers, stream events and errors.
//
// What is read here is what servers really send, not only what the
// specification promises; what is written follows the specification. The package
// knows nothing of ADK, genai or of any vendor's rules: those are in
// provider/openai.
package openaiwire
