package anthropic_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"type":"message","model":"claude-sonnet-5-5","content":[{"type":"text","text":"Paris."}],
			"stop_reason":"end_turn","usage":{"input_tokens":14,"output_tokens":5}}`)
	}))
	defer server.Close()

	claude, err := anthropic.New("claude-sonnet-5-5", anthropic.Config{
		APIKey:  "sk-ant-…",
		BaseURL: server.URL, // if omitted, https://api.anthropic.com
	})
	if err != nil {
		log.Fatal(err)
	}
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("The capital of France?", genai.RoleUser)}}
	for resp, err := range claude.GenerateContent(context.Background(), req, false) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(resp.Content.Parts[0].Text, resp.FinishReason, resp.UsageMetadata.TotalTokenCount)
	}
	// Output: Paris. STOP 19
}
