package middleware_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// record makes one streamed call and returns what came of it, and the attempts on
// record.
func record(t *testing.T, m model.LLM) (result, []call.Attempt) {
	t.Helper()
	var r result
	out := stream.NewSink(t.Context(), func(resp *model.LLMResponse, err error) bool {
		switch {
		case err != nil:
			r.err = err
		case !resp.Partial:
			r.final = resp
			if resp.Content != nil && len(resp.Content.Parts) > 0 {
				r.text = resp.Content.Parts[0].Text
			}
		case resp.CustomMetadata[call.KeyRestart] == true:
			r.text += "|"
		default:
			r.partials++
			r.text += resp.Content.Parts[0].Text
		}
		return true
	})
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	err := stream.Of(stream.Bare(m)).Do(t.Context(), req, true, out)
	out.End(err)
	attempts, _ := out.Attempts()
	return r, attempts
}
