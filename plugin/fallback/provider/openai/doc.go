// Package openai calls models through OpenAI's protocols: Responses, and chat
// completions, which Azure, Ollama, vLLM, llama.cpp, LM Studio, OpenRouter, Groq,
// Mistral, DeepSeek, xAI and many other servers speak.
//
//	gpt, err := openai.New("gpt-5.6-luna", openai.Config{APIKey: key})
//	local, err := openai.New("llama3.3", openai.Config{BaseURL: "http://127.0.0.1:11434/v1"})
//
// A [Model] is an ADK model: it converts requests that an agent made for Gemini
// into the form that its server accepts, and answers as Gemini would. It does not
// retry: use middleware.NewRetry.
package openai
