package plugin_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// eightTiers is the ladder of the tests of tiers, whose first model is m: four models with
// all layers, the cached answer, with its cache in front, retrieval, deferred, template.
func eightTiers(b *testing.B, m model.LLM) model.LLM {
	b.Helper()
	queue, err := jobs.Open(b.Context(), jobs.Config{File: filepath.Join(b.TempDir(), "jobs.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = queue.Close() })
	c := cache.MustNew(cache.Config{LookupOnly: true})
	b.Cleanup(func() { _ = c.Close() })
	targets := []model.LLM{m, newBare("second", 0), newBare("third", 0), newBare("fourth", 0)}
	for i, target := range targets {
		targets[i] = middleware.Chain(target,
			middleware.MustRetry(middleware.RetryConfig{}),
			middleware.MustBreaker(middleware.BreakerConfig{}),
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: time.Minute, Idle: time.Minute}),
			middleware.Attempt(middleware.AttemptConfig{}))
	}
	targets = append(targets, degrade.CachedAnswer(c), degrade.Retrieval(&ladder{}), degrade.Deferred(queue), degrade.Template(""))
	return middleware.Chain(router.MustFallback(router.Config{}, targets...), c.Middleware())
}

// conversationOf returns a request with n turns, every other one with a tool.
func conversationOf(n int) *model.LLMRequest {
	req := &model.LLMRequest{Config: &genai.GenerateContentConfig{}}
	for i := range n {
		req.Contents = append(req.Contents, genai.NewContentFromText(fmt.Sprint("question ", i, ": what is the weather in Paris today?"), genai.RoleUser))
		if i%2 == 1 {
			id, name := fmt.Sprint("call-", i), "weather"
			req.Contents = append(req.Contents,
				genai.NewContentFromParts([]*genai.Part{{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: map[string]any{"city": "Paris"}}}}, genai.RoleModel),
				genai.NewContentFromParts([]*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: map[string]any{"sky": "sunny"}}}}, genai.RoleUser))
		}
		req.Contents = append(req.Contents, genai.NewContentFromText("It is sunny in Paris today, and 21 degrees.", genai.RoleModel))
	}
	req.Contents = append(req.Contents, genai.NewContentFromText("And tomorrow?", genai.RoleUser))
	return req
}

// cpuTime returns the time that the process has spent on processors, which other processes
// of the machine do not add to.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkEightTiers is a healthy call through the whole ladder, beside the first model
// alone, and beside four models with a limit each but no cache, which has to read the
// request, and no last resorts.
func BenchmarkEightTiers(b *testing.B) {
	const chunks = 64
	for _, turns := range []int{0, 14} {
		req := conversationOf(turns)
		for _, stream := range []bool{false, true} {
			m := newBare("first", chunks)
			for _, bench := range []struct {
				name string
				m    model.LLM
			}{{"bare", m}, {"fallback of four", tree(m, newBare("second", 0), newBare("third", 0), newBare("fourth", 0))}, {"eight tiers", eightTiers(b, m)}} {
				b.Run(fmt.Sprintf("%s, %d turns, streamed %v", bench.name, turns, stream), func(b *testing.B) {
					b.ReportAllocs()
					before := cpuTime(b)
					for b.Loop() {
						drain(b, bench.m, req, stream)
					}
					b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}
