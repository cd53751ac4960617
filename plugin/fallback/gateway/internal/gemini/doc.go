// Package gemini is the server side of the Gemini API for the gateway; see
// https://ai.google.dev/api. It decodes requests for content and for embeddings, and encodes
// answers, models and errors. Package provider/gemini is the client side.
package gemini
