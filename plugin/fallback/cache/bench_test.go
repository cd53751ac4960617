package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
)

// conversation is a request of ordinary size: an instruction, ten tools and
// twenty turns, 12 KB of text in all.
func conversation() *model.LLMRequest {
	req := &model.LLMRequest{Model: "flash", Config: &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText(strings.Repeat("Be kind. ", 200), genai.RoleUser),
	}}
	for i := range 10 {
		req.Config.Tools = append(req.Config.Tools, &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{
			Name: fmt.Sprint("tool", i), Description: "Does what it says.",
			Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{
				"city": {Type: genai.TypeString, Description: "Where."}, "day": {Type: genai.TypeString, Description: "When."},
			}},
		}}})
	}
	for range 20 {
		req.Contents = append(req.Contents, genai.NewContentFromText(strings.Repeat("word ", 100), genai.RoleUser))
	}
	return req
}

func consume(b *testing.B, m model.LLM, req *model.LLMRequest, streamed bool) {
	for _, err := range m.GenerateContent(context.Background(), req, streamed) {
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCache(b *testing.B) {
	text := strings.Repeat("word ", 800) // 4 KB
	for _, bench := range []struct {
		name   string
		config cache.Config
	}{
		{"hit", cache.Config{}},
		{"stale", cache.Config{TTL: 1, StaleWhileRevalidate: time.Hour}},
		{"miss", cache.Config{TTL: 1}},
		{"bypass", cache.Config{Skip: func(*model.LLMRequest) bool { return true }}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			step := llmtest.Text(text)
			if bench.name == "stale" {
				// One refresh is under way all the time, so that it is not measured.
				first := true
				step = func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					if !first {
						<-ctx.Done()
					}
					first = false
					llmtest.Text(text)(ctx, req, stream, yield)
				}
			}
			c := newCache(b, bench.config)
			m, req := c.Middleware()(llmtest.Bare{Step: step}), conversation()
			consume(b, m, req, false)
			b.ReportAllocs()
			for b.Loop() {
				consume(b, m, req, false)
			}
		})
	}
}

// pour asks m for the answers to requests from to to.
func pour(tb testing.TB, m model.LLM, from, to int) {
	tb.Helper()
	for i := from; i < to; i++ {
		req := hello()
		req.Contents[0].Parts[0].Text = fmt.Sprint(i)
		for _, err := range m.GenerateContent(context.Background(), req, false) {
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// answers of size bytes each, every one with a memory of its own.
func answers(size int) model.LLM {
	return llmtest.Bare{Step: func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		text := strings.Repeat("x", size)
		yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	}}
}

func heap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// B85: what passes through is many times what may stay, and at no time does more
// stay than may.
func TestCacheStaysWithinItsBytes(t *testing.T) {
	for _, test := range []struct{ maxBytes, total, size int }{
		{64 << 20, 1 << 30, 256 << 10},
		{4 << 20, 2 << 20, 100}, // which counts for more than its text: 20,000 of them are beyond the bound
	} {
		before := heap()
		c := newCache(t, cache.Config{MaxBytes: test.maxBytes})
		m := c.Middleware()(answers(test.size))
		const looks, at = 16, 4 // times to look, and goroutines that ask at once
		part := test.total / test.size / looks / at
		for look := range looks {
			var wg sync.WaitGroup
			for i := range at {
				from := (look*at + i) * part
				wg.Go(func() { pour(t, m, from, from+part) })
			}
			wg.Wait()
			if grown := heap() - before; grown > test.maxBytes*5/4 {
				t.Errorf("answers of %d, look %d: the heap grew by %d, want no more than about %d", test.size, look, grown, test.maxBytes)
			}
			if got := c.Bytes(); got > test.maxBytes {
				t.Errorf("answers of %d, look %d: %d bytes by the cache's own count, want at most %d", test.size, look, got, test.maxBytes)
			}
		}
		if got := c.Bytes(); got < test.maxBytes/2 {
			t.Errorf("answers of %d: %d bytes are left, want close to %d: it is there to be used", test.size, got, test.maxBytes)
		}
	}
}

// One iteration pushes one answer of 64 KiB through a full cache of 64 MiB:
// -benchtime 16384x makes it a GiB.
func BenchmarkCacheUnderPressure(b *testing.B) {
	const size = 64 << 10
	before := heap()
	c := newCache(b, cache.Config{MaxBytes: 64 << 20})
	m := c.Middleware()(answers(size))
	b.SetBytes(size)
	for i := 0; b.Loop(); i++ {
		pour(b, m, i, i+1)
	}
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB-heap")
	b.ReportMetric(float64(c.Bytes())/(1<<20), "MiB-counted")
}
