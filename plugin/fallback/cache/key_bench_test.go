package cache_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
)

// toolSession is a request of an agent with five tools in the middle of a
// session: twenty contents, every other one a call or its response, with ids that
// begin as given.
func toolSession(id string) *model.LLMRequest {
	req := &model.LLMRequest{Model: "flash", Config: &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText(strings.Repeat("Be kind. ", 20), genai.RoleUser),
		Temperature:       genai.Ptr[float32](0.2),
	}}
	tool := &genai.Tool{}
	for i := range 5 {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{
			Name: fmt.Sprint("tool", i), Description: "Does what it says.",
			Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{
				"city": {Type: genai.TypeString, Description: "Where."}, "day": {Type: genai.TypeString, Description: "When."},
			}, Required: []string{"city"}},
		})
	}
	req.Config.Tools = []*genai.Tool{tool}
	for i := range 5 {
		call := genai.NewPartFromFunctionCall("tool1", map[string]any{"city": "Paris", "day": fmt.Sprint(i)})
		response := genai.NewPartFromFunctionResponse("tool1", map[string]any{"degrees": 21.5, "sky": "clear"})
		if id != "" {
			call.FunctionCall.ID = fmt.Sprint(id, i)
			response.FunctionResponse.ID = call.FunctionCall.ID
		}
		req.Contents = append(req.Contents,
			genai.NewContentFromText("What is the weather like in Paris, on which day?", genai.RoleUser),
			genai.NewContentFromParts([]*genai.Part{call}, genai.RoleModel),
			genai.NewContentFromParts([]*genai.Part{response}, genai.RoleUser),
			genai.NewContentFromText("It is 21.5 degrees and the sky is clear.", genai.RoleModel),
		)
	}
	return req
}

// large has 12 KB of text.
func large() *model.LLMRequest {
	req := toolSession("id")
	req.Config.SystemInstruction.Parts[0].Text = strings.Repeat("Be kind. ", 1365)
	return req
}

var keyBenchmarks = []struct {
	name string
	req  *model.LLMRequest
}{{"tiny", hello()}, {"tools", toolSession("call_")}, {"large", large()}}

// BenchmarkCacheKey is the key and a look into an empty cache.
func BenchmarkCacheKey(b *testing.B) {
	for _, bench := range keyBenchmarks {
		b.Run(bench.name, func(b *testing.B) {
			c, ctx := newCache(b, cache.Config{}), b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := c.Lookup(ctx, bench.req); ok {
					b.Fatal("found an answer")
				}
			}
		})
	}
}

// BenchmarkCacheHit is a call that is answered with 40 bytes of text.
func BenchmarkCacheHit(b *testing.B) {
	for _, bench := range keyBenchmarks {
		b.Run(bench.name, func(b *testing.B) {
			m := newCache(b, cache.Config{}).Middleware()(llmtest.Bare{Step: llmtest.Text("It is 21.5 degrees and the sky is clear.")})
			consume(b, m, bench.req, false)
			b.ReportAllocs()
			for b.Loop() {
				consume(b, m, bench.req, false)
			}
		})
	}
}
