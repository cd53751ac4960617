package provider_test

import (
	"fmt"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

func ExampleTarget_Fit() {
	req := &model.LLMRequest{
		Contents: []*genai.Content{genai.NewContentFromText("hello", genai.RoleUser)},
		Config: &genai.GenerateContentConfig{
			TopK:           genai.Ptr[float32](40),
			ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](4096)},
		},
	}
	for _, target := range []provider.Target{
		{API: provider.Responses, Model: "gpt-5.1"},
		{API: provider.Gemini, Model: "gemini-2.5-flash"},
	} {
		copied := *req
		fitted, err := target.Fit(&copied)
		fmt.Println(target.Model, fitted.Adapted, err)
	}

	req.Config.Tools = []*genai.Tool{{GoogleSearch: &genai.GoogleSearch{}}}
	_, err := provider.Target{API: provider.Anthropic, Model: "claude-sonnet-5"}.Fit(req)
	fmt.Println(err)
	// Output:
	// gpt-5.1 [top_k thinking_budget: 4096 to level MEDIUM] <nil>
	// gemini-2.5-flash [] <nil>
	// provider: claude-sonnet-5 does not take google_search: its provider does not run this tool
}
