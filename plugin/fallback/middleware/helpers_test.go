package middleware_test

import (
	"context"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
)

// result is what a consumer got of one call.
type result struct {
	text     string // of the final response, or of the partial ones if there is none
	partials int
	final    *model.LLMResponse
	err      error
}

// ask makes one call and collects what comes.
func ask(ctx context.Context, m model.LLM, streamed bool) result {
	var r result
	for resp, err := range m.GenerateContent(ctx, hello(), streamed) {
		switch {
		case err != nil:
			r.err = err
		case resp.Partial:
			r.partials++
			if r.final == nil && resp.Content != nil && len(resp.Content.Parts) > 0 {
				r.text += resp.Content.Parts[0].Text
			}
		default:
			r.final, r.text = resp, resp.Content.Parts[0].Text
		}
	}
	return r
}

// Short names for helpers of llmtest.
var (
	after       = llmtest.Within
	words       = llmtest.Words
	mustNotHang = llmtest.Takes
)

// silence waits for the end of its context.
var silence llmtest.Step = llmtest.Silent

func hello() *model.LLMRequest { return llmtest.UserSays("hi") }
