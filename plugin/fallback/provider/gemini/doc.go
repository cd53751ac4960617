// Package gemini asks Gemini models, through the Gemini API or Vertex AI.
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
//   - Signatures stay on their own parts. The arguments of a call that come in
//     pieces are put together at any depth.
//   - A blocked prompt names its reason, streamed or not.
//   - It never retries, never logs, and needs none of ADK but its data types.
//
// Credentials, project, location and base URL are resolved by genai; requests and
// answers are read and written here, so that errors do not show prompts or keys,
// every answer is bounded in size, and servers that send a JSON array instead of
// events are understood.
package gemini
