// Package openai asks models through the protocols of OpenAI: Responses, and
// chat completions, which Azure, Ollama, vLLM, llama.cpp, LM Studio, OpenRouter,
// Groq, Mistral, DeepSeek, xAI and many other servers speak.
//
//	gpt, err := openai.New("gpt-5.6-luna", openai.Config{APIKey: key})
//	local, err := openai.New("llama3.3", openai.Config{BaseURL: "http://127.0.0.1:11434/v1"})
//
// A [Model] is an ADK model: it takes what an agent made for Gemini, in the form
// that its server accepts, and answers as Gemini would. It does not retry; the
// layers around it do.
package openai
