// Package openai is the server side of OpenAI's API for the gateway: chat completions and
// embeddings. It decodes requests, and encodes answers and errors. Package provider/openai is the
// client side. Both use the types of internal/openaiwire.
package openai
