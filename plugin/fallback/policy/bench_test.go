package policy_test

import (
	"context"
	"iter"
	"regexp"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// instant answers at once, always with the same response.
type instant struct {
	name string
	resp *model.LLMResponse
}

func (m instant) Name() string { return m.name }

func (m instant) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) { yield(m.resp, nil) }
}

func newInstant(name string) instant {
	return instant{name, &model.LLMResponse{Content: genai.NewContentFromText("hi", genai.RoleModel), FinishReason: genai.FinishReasonStop}}
}

// benchmarkCalls measures healthy calls of m.
func benchmarkCalls(b *testing.B, m model.LLM) {
	req := &model.LLMRequest{Model: "gemini-v2", Contents: genai.Text("hello")}
	ctx, cancel := context.WithCancel(b.Context()) // as an application's contexts are
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range m.GenerateContent(ctx, req, false) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkCall compares a call through the example file with one through the same tree
// made by hand, in which a condition on the latency is one more timeout.
func BenchmarkCall(b *testing.B) {
	names := []string{"gemini-v2", "gpt-4o", "small-local-llm"}
	limits := []time.Duration{4 * time.Second, 2 * time.Second, 2 * time.Second}
	latencies := []time.Duration{3 * time.Second, 1500 * time.Millisecond, 0}
	for name, latencies := range map[string][]time.Duration{"by hand": latencies, "by hand, without latencies": make([]time.Duration, 3)} {
		b.Run(name, func(b *testing.B) {
			c := cache.MustNew(cache.Config{LookupOnly: true})
			defer c.Close()
			var targets []model.LLM
			for i, name := range names {
				var layers []middleware.Middleware
				if latencies[i] > 0 {
					layers = append(layers, middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: latencies[i]}))
				}
				layers = append(layers, middleware.MustBreaker(middleware.BreakerConfig{}),
					middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: limits[i]}))
				targets = append(targets, middleware.Chain(newInstant(name), layers...))
			}
			targets = append(targets, degrade.CachedAnswer(c), degrade.Template("sorry"))
			benchmarkCalls(b, c.Middleware()(router.MustFallback(router.Config{}, targets...)))
		})
	}
	text := string(read(b, "spec/testdata/good/example.yaml"))
	for name, text := range map[string]string{
		"compiled":                    text,
		"compiled, without latencies": regexp.MustCompile(` \|\| latency > [0-9]+ms`).ReplaceAllString(text, ""),
	} {
		b.Run(name, func(b *testing.B) {
			given := policy.Models{}
			for _, name := range names {
				given[name] = newInstant(name)
			}
			l, err := policy.NewLive(b.Context(), parsed(b, text), quiet, given)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			benchmarkCalls(b, l.Model())
		})
	}
}

// BenchmarkBuild measures the time from the bytes of a policy of 200 lines to a model: at
// most 20 ms.
func BenchmarkBuild(b *testing.B) {
	data := read(b, "spec/testdata/good/full.yaml")
	given := policy.Models{}
	for _, name := range []string{"assistant", "gpt-4o", "gemini-2.5-flash", "local-llama", "gemini-2.5-pro"} {
		given[name] = newInstant(name)
	}
	given["gemini-2.5-flash-lite"], given["gpt-4o-mini"], given["claude-sonnet-4-5"] = newInstant("lite"), newInstant("mini"), newInstant("claude")
	b.ReportAllocs()
	for b.Loop() {
		p, err := spec.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		p.State = nil // its connection is not measured
		l, err := policy.NewLive(b.Context(), p, quiet, given)
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}

// BenchmarkSharedState measures healthy calls through a policy with breaker, limit and budget,
// with and without section state, over a store in memory.
func BenchmarkSharedState(b *testing.B) {
	const text = "primary: a\ncircuit_breaker: {}\nrate_limits: {requests_per_minute: 10000000, tokens_per_minute: 1000000000000}\n" +
		"budgets: {usd_per_day: 10000000}\nmodels: {a: {price: {input: 0.000001, output: 0}}}\n"
	for name, section := range map[string]string{"alone": "", "shared": "state: redis://localhost\n"} {
		b.Run(name, func(b *testing.B) {
			open := policy.WithState(func(string) (state.Store, error) { return state.NewMemory(), nil })
			l, err := policy.NewLive(b.Context(), parsed(b, text+section), quiet, open, policy.Models{"a": newInstant("a")})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			benchmarkCalls(b, l.Model())
		})
	}
}
