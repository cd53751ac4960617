package middleware_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// down answers with an error that is the target's fault and has no cooldown.
var down = llmtest.Fail(llmtest.ErrUnavailable)

// saying is an error with a verdict of its own.
type saying failure.Verdict

func (s saying) Error() string { return "says " + string(s.Kind) }

func (s saying) Verdict() failure.Verdict { return failure.Verdict(s) }

// generate makes one call and returns how it ended.
func generate(ctx context.Context, m model.LLM) error {
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	for _, err := range m.GenerateContent(ctx, req, false) {
		if err != nil {
			return err
		}
	}
	return nil
}

// refusedBy returns the refusal by the named layer that err is; nil if it is
// none.
func refusedBy(err error, layer string) *middleware.RefusedError {
	var refused *middleware.RefusedError
	if errors.As(err, &refused) && refused.By == layer {
		return refused
	}
	return nil
}

// calls makes n calls and returns how many of them reached the model.
func calls(t *testing.T, m model.LLM, scripted *llmtest.Model, n int) int {
	t.Helper()
	before := len(scripted.Asked())
	for range n {
		_ = generate(t.Context(), m)
	}
	return len(scripted.Asked()) - before
}

// force makes one call that breakers are asked to let through.
func force(t *testing.T, m model.LLM) error {
	t.Helper()
	out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
	out.Force = true
	return stream.Of(m).Do(t.Context(), &model.LLMRequest{}, false, out)
}

// say makes one call with the given text and priority.
func say(ctx context.Context, m model.LLM, text, priority string) (last error) {
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
	for _, err := range m.GenerateContent(call.With(ctx, call.Info{Priority: priority}), req, false) {
		last = err
	}
	return last
}

// send starts a call, lets it come as far as it can, and returns where its end
// will be told.
func send(ctx context.Context, m model.LLM, text, priority string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- say(ctx, m, text, priority) }()
	synctest.Wait()
	return done
}

// desk is a model whose calls stay until they are let go, and that notes who
// came when.
type desk struct {
	release chan error // one for each call; nil for an answer

	mu   sync.Mutex
	came []string // text of each request; guarded by mu
}

func (d *desk) model() *llmtest.Model {
	return llmtest.NewModel("flash", func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		d.mu.Lock()
		d.came = append(d.came, req.Contents[0].Parts[0].Text)
		d.mu.Unlock()
		if err := <-d.release; err != nil {
			yield(nil, err)
			return
		}
		llmtest.Text("ok")(nil, nil, false, yield)
	})
}

func (d *desk) names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.came...)
}
