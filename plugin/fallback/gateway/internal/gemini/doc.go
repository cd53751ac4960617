// Package gemini is the Gemini API as the gateway speaks it: https://ai.google.dev/api. It decodes
// requests for content and for embeddings, and writes answers, models and errors. Package
// provider/gemini is its counterpart: a client of the API.
package gemini
