package middleware_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
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
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	for resp, err := range m.GenerateContent(ctx, req, streamed) {
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

// after follows step after d, or ends with the context's error.
func after(d time.Duration, step suite.Step) suite.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-time.After(d):
			step(ctx, req, stream, yield)
		case <-ctx.Done():
			yield(nil, ctx.Err())
		}
	}
}

// words streams n words, one every gap, then says that it is done.
func words(n int, gap time.Duration) suite.Step {
	return func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		text := ""
		for range n {
			select {
			case <-time.After(gap):
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
			text += "word "
			if !yield(&model.LLMResponse{Content: genai.NewContentFromText("word ", genai.RoleModel), Partial: true}, nil) {
				return
			}
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	}
}

// silence waits for the end of its context.
func silence(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	<-ctx.Done()
	yield(nil, ctx.Err())
}

func mustNotHang(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	started := time.Now()
	f()
	if got := time.Since(started); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}
