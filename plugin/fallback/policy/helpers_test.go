package policy_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// result is what a consumer got of one call.
type result struct {
	text     string // of the final response
	partials int
	md       call.Metadata
	final    *model.LLMResponse
	err      error
	took     time.Duration
}

// ask makes one call and collects what comes.
func ask(ctx context.Context, m model.LLM, streamed bool) result {
	return askFor(ctx, m, streamed, &model.LLMRequest{Model: m.Name(), Contents: genai.Text("hello")})
}

func askFor(ctx context.Context, m model.LLM, streamed bool, req *model.LLMRequest) result {
	var r result
	started := time.Now()
	for resp, err := range m.GenerateContent(ctx, req, streamed) {
		switch {
		case err != nil:
			r.err = err
		case resp.Partial:
			r.partials++
		default:
			r.final, r.text = resp, resp.Content.Parts[0].Text
			r.md, _ = call.ReadResponse(resp)
		}
	}
	r.took = time.Since(started)
	return r
}

// after follows step after d, or ends with the context's error.
func after(d time.Duration, step llmtest.Step) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-time.After(d):
			step(ctx, req, stream, yield)
		case <-ctx.Done():
			yield(nil, ctx.Err())
		}
	}
}

// silent waits for the end of its context.
func silent(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	<-ctx.Done()
	yield(nil, ctx.Err())
}

// parsed reads a policy that is known to be right.
func parsed(t testing.TB, text string) *spec.Policy {
	t.Helper()
	p, err := spec.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// build builds a policy that is known to be right, with the logs off.
func build(t testing.TB, text string, opts ...policy.Option) model.LLM {
	t.Helper()
	m, err := policy.Build(context.Background(), parsed(t, text), append([]policy.Option{quiet}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var quiet = policy.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))

// models names scripted models for a policy.
func models(all ...*llmtest.Model) policy.Models {
	named := policy.Models{}
	for _, m := range all {
		named[m.Name()] = m
	}
	return named
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
