package openai_test

import (
	"fmt"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// A model of a local server that speaks chat completions, such as Ollama.
func Example() {
	m, err := openai.New("llama3.3", openai.Config{BaseURL: "http://127.0.0.1:11434/v1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Name(), m.Target().API, m.Target().Endpoint)
	// Output: llama3.3 openai_chat 127.0.0.1:11434
}
