// Package openai is OpenAI's API of chat completions and embeddings as the gateway speaks it. It
// decodes requests, and writes answers and errors. Package provider/openai is its counterpart: a
// client of the API. The types of both are in internal/openaiwire.
package openai
