package peers

import (
	"context"
	"math"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// What this module and failsafe-go are configured with.
const (
	maxRetries  = 2
	baseDelay   = 500 * time.Millisecond
	maxDelay    = 10 * time.Second
	openFor     = time.Hour
	perMinute   = 10_000_000 // the most that a policy allows, and more calls than a row makes
	concurrent  = 1000
	maxWait     = 10 * time.Second
	attemptTime = time.Minute
)

// fallback is this module: retry(breaker(limit(timeout))) around each target, and a
// router over them.
type fallback struct {
	*request
	model  model.LLM
	stream bool
	close  func()
}

func newOurs(s *Site) (Client, error) {
	targets, err := s.models()
	if err != nil {
		return nil, err
	}
	f := &fallback{request: newRequest(s.Row), stream: s.Chunks > 0, close: func() {}}
	if s.Cached {
		c, err := cache.New(cache.Config{})
		if err != nil {
			return nil, err
		}
		f.model, f.close = c.Middleware()(targets[0]), func() { c.Close() }
		return f, nil
	}
	for i, target := range targets {
		targets[i] = layered(s.Row, target)
	}
	switch {
	case s.Hedge > 0:
		f.model, err = router.NewHedge(router.HedgeConfig{Delay: s.Hedge, MaxExtraLoad: 1}, targets...)
	case s.resumes():
		f.model, err = router.NewFallback(router.Config{MidStream: router.Resume}, targets...)
	default:
		f.model, err = router.NewFallback(router.Config{}, targets...)
	}
	return f, err
}

func layered(r Row, target model.LLM) model.LLM {
	failures := math.MaxInt // an open breaker would spare the targets that are to be measured
	if r.Cooling {
		failures = openAfter
	}
	return middleware.Chain(target,
		// Another target is available at once, so no call waits for this one.
		middleware.MustRetry(middleware.RetryConfig{MaxRetries: maxRetries, BaseDelay: baseDelay, MaxDelay: maxDelay, SkipWait: time.Nanosecond}),
		middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: failures, OpenFor: openFor}),
		middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: perMinute, MaxConcurrent: concurrent, MaxWait: maxWait}),
		middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: attemptTime, Idle: attemptTime, Total: attemptTime}),
	)
}

// models returns the targets as ADK's models.
func (s *Site) models() (all []model.LLM, _ error) {
	for _, target := range s.Targets {
		if !s.Wire {
			all = append(all, newMemory(s, target))
			continue
		}
		m, err := openai.New(target.Name, openai.Config{APIKey: "sk-test", BaseURL: target.URL + "/v1", API: openai.Chat})
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// Close ends the cache. Idle connections end with the server.
func (f *fallback) Close() { f.close() }

func (f *fallback) Call(ctx context.Context, show func(string)) error {
	return showed(f.model, ctx, f.of(f.model.Name()), f.stream, show)
}

// showed makes a call of m and passes to show the text that a user sees: the partial
// responses of a stream, otherwise the final one.
func showed(m model.LLM, ctx context.Context, req *model.LLMRequest, stream bool, show func(string)) error {
	for resp, err := range m.GenerateContent(ctx, req, stream) {
		if err != nil {
			return err
		}
		if resp.Partial == stream && resp.Content != nil {
			for _, part := range resp.Content.Parts {
				show(part.Text)
			}
		}
	}
	return nil
}
