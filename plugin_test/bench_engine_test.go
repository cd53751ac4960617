package plugin_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// bare is the cheapest model there can be: it answers from memory.
type bare struct {
	name   string
	chunks int
	resp   *model.LLMResponse
	chunk  *model.LLMResponse
	err    error
	called func()
}

func newBare(name string, chunks int) *bare {
	content := genai.NewContentFromText("hello", genai.RoleModel)
	return &bare{
		name: name, chunks: chunks,
		resp:  &model.LLMResponse{Content: content, FinishReason: genai.FinishReasonStop},
		chunk: &model.LLMResponse{Content: content, Partial: true},
	}
}

func (b *bare) Name() string { return b.name }

func (b *bare) GenerateContent(_ context.Context, _ *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		if b.called != nil {
			b.called()
		}
		if b.err != nil {
			yield(nil, b.err)
			return
		}
		for range b.chunks {
			if stream && !yield(b.chunk, nil) {
				return
			}
		}
		yield(b.resp, nil)
	}
}

// tree puts every policy around each target, as a user would.
func tree(targets ...model.LLM) model.LLM {
	layers := []middleware.Middleware{
		middleware.MustRetry(middleware.RetryConfig{}),
		middleware.MustBreaker(middleware.BreakerConfig{}),
		middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1e12, MaxConcurrent: 1000}),
		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: time.Minute, Idle: time.Minute, Total: time.Hour}),
		middleware.Attempt(middleware.AttemptConfig{}),
	}
	for i, target := range targets {
		targets[i] = middleware.Chain(target, layers...)
	}
	return router.MustFallback(router.Config{}, targets...)
}

func drain(b *testing.B, m model.LLM, req *model.LLMRequest, stream bool) {
	for _, err := range m.GenerateContent(b.Context(), req, stream) {
		if err != nil {
			b.Fatal(err)
		}
	}
}

func textRequest() *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
}

// BenchmarkTreeUnary is one healthy call: bare, and through retry, breaker,
// limit, timeout and attempt under a fallback. The budget is at most 1.6 µs and 27
// allocations more than bare.
func BenchmarkTreeUnary(b *testing.B) {
	req := textRequest()
	var base float64
	for _, bench := range []struct {
		name string
		m    model.LLM
	}{
		{"bare", newBare("a", 0)},
		{"fallback", router.MustFallback(router.Config{}, newBare("a", 0))},
		{"tree", tree(newBare("a", 0))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				drain(b, bench.m, req, false)
			}
			perOp := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			if bench.name == "bare" {
				base = perOp
			}
			b.ReportMetric(perOp-base, "added-ns/op")
		})
	}
}

// BenchmarkTreeStream is a stream of 1000 chunks; ns/chunk is what is left per
// chunk.
func BenchmarkTreeStream(b *testing.B) {
	const chunks = 1000
	req := textRequest()
	var base float64
	for _, bench := range []struct {
		name string
		m    model.LLM
	}{
		{"bare", newBare("a", chunks)},
		{"tree", tree(newBare("a", chunks))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				drain(b, bench.m, req, true)
			}
			perChunk := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / chunks
			if bench.name == "bare" {
				base = perChunk
			}
			b.ReportMetric(perChunk, "ns/chunk")
			b.ReportMetric(perChunk-base, "added-ns/chunk")
		})
	}
}

// BenchmarkFailover is the time from the error of a failed attempt to the first
// call of the next target, which is what a user waits for on top of the two
// models.
func BenchmarkFailover(b *testing.B) {
	var failed time.Time
	var total time.Duration
	first, second := newBare("first", 0), newBare("second", 0)
	first.err = genai.APIError{Code: 404, Status: "NOT_FOUND", Message: "the model is not found"}
	first.called = func() { failed = time.Now() }
	second.called = func() { total += time.Since(failed) }
	m := router.MustFallback(router.Config{}, middleware.Chain(first, middleware.MustRetry(middleware.RetryConfig{}),
		middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour})), second)
	req := textRequest()
	b.ReportAllocs()
	for b.Loop() {
		drain(b, m, req, false)
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(b.N), "failover-ns/op")
}
