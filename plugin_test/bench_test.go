package plugin_test

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"testing"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback"
)

// callbackContext is the part of ADK's callback context that the plugin uses.
type callbackContext struct {
	agent.Context // nil: any other method is a mistake
	ctx           context.Context
	invocation    string
}

func (c *callbackContext) InvocationID() string  { return c.invocation }
func (c *callbackContext) AgentName() string     { return "agent" }
func (c *callbackContext) Branch() string        { return "" }
func (c *callbackContext) Value(key any) any     { return c.ctx.Value(key) }
func (c *callbackContext) Err() error            { return c.ctx.Err() }
func (c *callbackContext) Done() <-chan struct{} { return c.ctx.Done() }

// BenchmarkPluginHealthy is what one healthy call costs: before-model and
// after-model. A turn's first call adds the turn to the tracked ones, which are
// full here, so that pruning is part of it; its later calls (a tool loop) find it
// there.
func BenchmarkPluginHealthy(b *testing.B) {
	for _, bench := range []struct {
		name  string
		turns int
	}{{"first call of a turn", 1024}, {"later call of a turn", 1}} {
		b.Run(bench.name, func(b *testing.B) {
			p := fallback.MustNew(fallback.Config{RootModel: "flash", FallbackModel: "pro"})
			before, after := p.BeforeModelCallback(), p.AfterModelCallback()
			contexts := make([]*callbackContext, bench.turns)
			for i := range contexts {
				contexts[i] = &callbackContext{ctx: b.Context(), invocation: "invocation-" + strconv.Itoa(i)}
			}
			req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
			resp := &model.LLMResponse{Content: genai.NewContentFromText("hello", genai.RoleModel)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ctx := contexts[i%len(contexts)]
				if _, err := before(ctx, req); err != nil {
					b.Fatal(err)
				}
				if _, err := after(ctx, resp, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMillionTurns runs a million turns, every tenth with a failed call,
// none of which ends (B09). heap-growth-KiB is the live heap after them less
// that after the first thousand.
func BenchmarkMillionTurns(b *testing.B) {
	const turns = 1_000_000
	for b.Loop() {
		p := fallback.MustNew(fallback.Config{FallbackModel: "pro", Logger: slog.New(slog.DiscardHandler)})
		before, after, failed := p.BeforeModelCallback(), p.AfterModelCallback(), p.OnModelErrorCallback()
		var base uint64
		for i := range turns {
			if i == 1000 {
				base = liveHeap()
			}
			ctx := &callbackContext{ctx: b.Context(), invocation: strconv.Itoa(i)}
			req := &model.LLMRequest{Model: "flash"}
			if _, err := before(ctx, req); err != nil {
				b.Fatal(err)
			}
			resp := &model.LLMResponse{}
			if i%10 == 0 {
				var err error
				if resp, err = failed(ctx, req, genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED"}); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := after(ctx, resp, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((float64(liveHeap())-float64(base))/1024, "heap-growth-KiB")
		runtime.KeepAlive(p)
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
