package router_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// ready is a model that answers at once, with the same responses every time.
type ready struct {
	name      string
	responses []*model.LLMResponse
}

func newReady(name string, chunks int) *ready {
	m := &ready{name: name}
	for range chunks {
		m.responses = append(m.responses, &model.LLMResponse{Content: genai.NewContentFromText("word ", genai.RoleModel), Partial: true})
	}
	m.responses = append(m.responses, &model.LLMResponse{Content: genai.NewContentFromText("answer", genai.RoleModel), FinishReason: genai.FinishReasonStop})
	return m
}

func (m *ready) Name() string { return m.name }

func (m *ready) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		for _, resp := range m.responses {
			if !yield(resp, nil) {
				return
			}
		}
	}
}

// rooted does what every router does, and no more: it has answers annotated.
type rooted struct{ stream.Layer }

func (r rooted) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	out.Root = r.Name()
	return r.Layer.Do(ctx, req, streamed, out)
}

func (r rooted) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(r, ctx, req, streamed)
}

// BenchmarkHealthy is a call whose first model answers at once. The difference
// to "annotated" is what a hedge or a split adds.
func BenchmarkHealthy(b *testing.B) {
	const chunks = 1000
	for _, kind := range []struct {
		name  string
		model func(first model.LLM) model.LLM
	}{
		{"annotated", func(m model.LLM) model.LLM { return rooted{stream.Of(m)} }},
		{"hedge-fixed", func(m model.LLM) model.LLM {
			return router.MustHedge(router.HedgeConfig{Delay: time.Second}, m, newReady("lite", 0))
		}},
		{"hedge-measured", func(m model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, m, newReady("lite", 0)) }},
		{"split", func(m model.LLM) model.LLM {
			return router.MustSplit(router.SplitConfig{Experiment: "e", MaxDrift: 0.05, Arms: []router.Arm{{Weight: 1, Model: m}, {Cohort: "b", Model: m}}})
		}},
	} {
		b.Run(kind.name+"/unary", func(b *testing.B) { benchCalls(b, kind.model(newReady("flash", 0)), 1) })
		b.Run(kind.name+"/chunk", func(b *testing.B) { benchCalls(b, kind.model(newReady("flash", chunks)), chunks) })
	}
}

// benchCalls reports the time per one of parts of a call.
func benchCalls(b *testing.B, m model.LLM, parts int) {
	b.ReportAllocs()
	ctx, req := b.Context(), userSays("hi")
	for b.Loop() {
		for _, err := range m.GenerateContent(ctx, req, parts > 1) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	if parts > 1 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*parts), "ns/chunk")
	}
}
