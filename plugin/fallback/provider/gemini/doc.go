// Package gemini calls Gemini models through the Gemini API or Vertex AI.
//
//	m, err := gemini.New(ctx, "gemini-3-flash", gemini.Config{}) // GOOGLE_API_KEY
//	m, err := gemini.New(ctx, "gemini-3-flash", gemini.Config{Client: &genai.ClientConfig{
//		Backend: genai.BackendVertexAI, Project: "my-project", Location: "eu",
//	}})
//
// A [Model] is a model.LLM like ADK's own model/gemini, with these differences:
//
//   - It fits each request to the model first (see package provider), on a copy.
//   - A stream that ends without a finish reason is an error, never a short answer.
//     So is a malformed function call.
//   - Signatures stay on their own parts. Arguments of a call that are streamed in
//     pieces are joined at any depth.
//   - The response to a blocked prompt names the reason, streamed or not.
//   - It never retries, never logs, and uses only ADK's data types.
//
// genai resolves credentials, project, location and base URL. This package encodes
// requests and decodes answers itself. Its errors therefore do not show prompts or
// keys, every answer is bounded in size, and a server may send a JSON array instead
// of events.
package gemini
