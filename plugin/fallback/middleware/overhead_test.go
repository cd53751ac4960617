package middleware_test

import (
	"context"
	"iter"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// instant is a layer that answers at once.
type instant struct{ answer *model.LLMResponse }

func (i *instant) Name() string { return "instant" }

func (i *instant) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(i, ctx, req, streamed)
}

func (i *instant) Do(_ context.Context, _ *model.LLMRequest, _ bool, out *stream.Sink) error {
	out.Send(i.answer)
	return nil
}

// BenchmarkHealthyCall is one healthy unary call of a layer that answers at
// once, bare and with one layer around it: the difference is what that costs
// within a tree, where one iterator and one sink serve all layers.
func BenchmarkHealthyCall(b *testing.B) {
	const plenty = 1_000_000_000
	layers := []struct {
		name  string
		layer middleware.Middleware
	}{
		{"bare", func(m model.LLM) model.LLM { return m }},
		{"breaker", middleware.MustBreaker(middleware.BreakerConfig{})},
		{"breaker/ratio", middleware.MustBreaker(middleware.BreakerConfig{FailureRatio: 0.5})},
		{"limit/concurrency", middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: plenty})},
		{"limit/requests", middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: plenty})},
		{"limit/all", middleware.MustLimit(middleware.LimitConfig{
			RequestsPerMinute: plenty, TokensPerMinute: plenty, MaxConcurrent: plenty, Adaptive: true,
		})},
	}
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hello", genai.RoleUser)}}
	for _, l := range layers {
		b.Run(l.name, func(b *testing.B) {
			m := l.layer(&instant{&model.LLMResponse{Content: genai.NewContentFromText("hi", genai.RoleModel), FinishReason: genai.FinishReasonStop}})
			layer, ctx := stream.Of(m), b.Context()
			out := stream.NewSink(context.Background(), func(*model.LLMResponse, error) bool { return true })
			b.ReportAllocs()
			for b.Loop() {
				if err := layer.Do(ctx, req, false, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
