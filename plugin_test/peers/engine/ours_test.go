package engine_test

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// What both sides are configured with.
const (
	maxRetries  = 2
	baseDelay   = 500 * time.Millisecond
	maxDelay    = 10 * time.Second
	openAfter   = 5       // failures in a row
	openNever   = 1 << 22 // more calls than a row makes; failsafe-go keeps a bit for each
	openFor     = time.Hour
	perMinute   = 10_000_000 // the most that a policy allows, and more calls than a row makes
	concurrent  = 1000
	maxWait     = 10 * time.Second
	attemptTime = time.Minute
)

// ours puts retry(breaker(limit(timeout))) around each target and a router over
// them.
func ours(tb testing.TB, targets []*fake, breaker int) model.LLM {
	models := make([]model.LLM, len(targets))
	for i, target := range targets {
		models[i] = middleware.Chain(target,
			middleware.MustRetry(middleware.RetryConfig{MaxRetries: maxRetries, BaseDelay: baseDelay, MaxDelay: maxDelay}),
			middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: breaker, OpenFor: openFor}),
			middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: perMinute, MaxConcurrent: concurrent, MaxWait: maxWait}),
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: attemptTime, Idle: attemptTime, Total: attemptTime}),
		)
	}
	return fallback(tb, router.Config{}, models...)
}

func fallback(tb testing.TB, config router.Config, models ...model.LLM) model.LLM {
	m, err := router.NewFallback(config, models...)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// oursCached is a cache in front of the only target.
func oursCached(tb testing.TB, targets []*fake, _ int) model.LLM {
	c := newCache(tb, cache.Config{})
	return c.Middleware()(targets[0])
}

func newCache(tb testing.TB, config cache.Config) *cache.Cache {
	c, err := cache.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// field is a policy with the sections that most policies have.
const field = `primary: model-a
fallbacks:
  - name: model-b
    condition: "error || latency > 3000ms"
  - name: model-c
    condition: "error || latency > 1500ms"
  - name: cached-answer
    condition: "cache_hit"
  - name: template-response
    condition: "true"
timeouts:
  primary: 4s
  fallback: 2s
circuit_breaker:
  failure_threshold: 5
  window: 60s
  backoff: 1h
`

// layered is a policy of the tree that [ours] builds.
const layered = `primary: model-a
fallbacks:
  - name: model-b
    condition: error
  - name: model-c
    condition: error
timeouts:
  primary: 1m
  fallback: 1m
  attempt: 1m
stream:
  idle: 1m
circuit_breaker:
  failure_threshold: 5
  backoff: 1h
retry:
  max_attempts: 3
  base_delay: 500ms
  max_delay: 10s
rate_limits:
  requests_per_minute: 10000000
  concurrency: 1000
  queue_timeout: 10s
`

// compiled returns what builds the model of a policy over three targets.
func compiled(text string) build {
	return func(tb testing.TB, targets []*fake, _ int) model.LLM { return fromPolicy(tb, text, targets) }
}

func fromPolicy(tb testing.TB, text string, targets []*fake) model.LLM {
	p, err := spec.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	models := policy.Models{}
	for _, target := range targets {
		models[target.name] = target
	}
	live, err := policy.NewLive(tb.Context(), p, models, policy.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { live.Close() })
	return live.Model()
}

// byHand is the tree of field. By hand, a condition on the latency is one more
// time limit.
func byHand(tb testing.TB, targets []*fake, _ int) model.LLM {
	c := newCache(tb, cache.Config{LookupOnly: true})
	limits := []time.Duration{4 * time.Second, 2 * time.Second, 2 * time.Second}
	latencies := []time.Duration{3 * time.Second, 1500 * time.Millisecond}
	var models []model.LLM
	for i, target := range targets {
		var layers []middleware.Middleware
		if i < len(latencies) {
			layers = append(layers, middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: latencies[i]}))
		}
		models = append(models, middleware.Chain(target, append(layers,
			middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: openAfter, Window: time.Minute, OpenFor: openFor}),
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: limits[i]}))...))
	}
	models = append(models, degrade.CachedAnswer(c), degrade.Template("Sorry, please try again later."))
	return c.Middleware()(fallback(tb, router.Config{}, models...))
}

// resumed is a router that lets the second target continue what the first one has
// begun; with prefill the second is given the beginning.
func resumed(prefill bool) build {
	return func(tb testing.TB, targets []*fake, _ int) model.LLM {
		second := router.Describe(targets[1], router.Traits{Prefill: prefill})
		return fallback(tb, router.Config{MidStream: router.Resume}, targets[0], second)
	}
}
