package provider_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

func BenchmarkFit(b *testing.B) {
	text := func() *model.LLMRequest {
		return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}, Config: &genai.GenerateContentConfig{}}
	}
	long := text()
	for range 100 {
		long.Contents = append(long.Contents, genai.NewContentFromText("yes", genai.RoleModel), genai.NewContentFromText("and", genai.RoleUser))
	}
	agent := text()
	agent.Config = &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText("be brief", genai.RoleUser),
		Tools:             []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather"}}}},
		Temperature:       genai.Ptr[float32](0.5), TopK: genai.Ptr[float32](4),
	}
	for _, bench := range []struct {
		name string
		req  *model.LLMRequest
	}{{"text", text()}, {"long", long}, {"agent", agent}} {
		b.Run(bench.name, func(b *testing.B) {
			target := provider.Target{API: provider.Responses, Model: "gpt-5.1", Endpoint: "api.openai.com"}
			b.ReportAllocs()
			for b.Loop() {
				req := *bench.req
				if _, err := target.Fit(&req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A plain text costs nothing that the collector sees, however long the history.
func TestFitOfTextAllocatesNothing(t *testing.T) {
	contents := []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}
	for range 50 {
		contents = append(contents, genai.NewContentFromText("yes", genai.RoleModel), genai.NewContentFromText("and", genai.RoleUser))
	}
	req := &model.LLMRequest{Contents: contents, Config: &genai.GenerateContentConfig{}}
	if n := testing.AllocsPerRun(100, func() {
		if fitted, err := sonnet.Fit(req); err != nil || fitted.Adapted != nil {
			t.Error("a plain text was changed")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
