package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A part has the same defaults in a file and by hand.
func TestDefaultsAreThoseOfTheParts(t *testing.T) {
	p := parsed(t, `
primary: gemini-2.5-flash
fallbacks: [{name: gpt-4o}]
circuit_breaker: {}
retry: {}
hedge: {}
rate_limits: {concurrency: 1}
cache: {}
degrade: {retrieval: {}}
experiments: {e: {arms: [{model: gemini-2.5-flash, share: 1}, {model: gpt-4o, share: 0}]}}
`)
	type figures struct {
		Threshold, MinRequests, Attempts, Queue, MinCalls int
		Window, Backoff, Base, Max, Wait, Hedge, Queued   time.Duration
		TTL, Drift                                        time.Duration
		Budget, Load                                      float64
		Bytes                                             int64
		LastResort, Notice, Intro                         string
		Passages, PassageBytes                            int
		Search                                            time.Duration
	}
	e := p.Experiments["e"]
	got := figures{
		Threshold: p.CircuitBreaker.FailureThreshold, MinRequests: p.CircuitBreaker.MinRequests, Window: p.CircuitBreaker.Window, Backoff: p.CircuitBreaker.Backoff,
		Attempts: p.Retry.MaxAttempts, Base: p.Retry.BaseDelay, Max: p.Retry.MaxDelay, Wait: p.Retry.MaxWait, Budget: float64(p.Retry.Budget),
		Hedge: p.Hedge.MinDelay, Load: float64(p.Hedge.MaxExtraLoad), Queue: p.RateLimits.Queue, Queued: p.RateLimits.QueueTimeout,
		TTL: p.Cache.TTL, Bytes: int64(p.Cache.MaxBytes), MinCalls: e.MinCalls, Drift: e.Window,
		LastResort: p.Degrade.Template, Notice: p.Degrade.CachedNotice, Intro: p.Degrade.Retrieval.Intro, Passages: p.Degrade.Retrieval.MaxPassages,
		PassageBytes: int(p.Degrade.Retrieval.MaxPassageBytes), Search: p.Degrade.Retrieval.Timeout,
	}
	want := figures{
		Threshold: middleware.DefaultConsecutiveFailures, MinRequests: middleware.DefaultMinRequests, Window: middleware.DefaultWindow, Backoff: middleware.DefaultOpenFor,
		Attempts: middleware.DefaultMaxRetries + 1, Base: middleware.DefaultBaseDelay, Max: middleware.DefaultMaxDelay, Wait: middleware.DefaultMaxWait, Budget: middleware.DefaultRetryRatio,
		Hedge: router.DefaultMinHedgeDelay, Load: router.DefaultMaxExtraLoad, Queue: middleware.DefaultMaxQueue, Queued: middleware.DefaultMaxQueueWait,
		TTL: cache.DefaultTTL, Bytes: cache.DefaultMaxBytes, MinCalls: router.DefaultDriftCalls, Drift: router.DefaultDriftWindow,
		LastResort: degrade.DefaultText, Notice: degrade.DefaultPrefix, Intro: degrade.DefaultIntro, Passages: degrade.DefaultMaxPassages,
		PassageBytes: degrade.DefaultMaxPassageBytes, Search: degrade.DefaultSearchTimeout,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// A cascade and a deferred answer have the same defaults in a file and by hand.
func TestDefaultsOfACascadeAndOfDeferredAnswers(t *testing.T) {
	p := parsed(t, "primary: a\ncascade: {model: b}\nfallbacks: [{name: deferred-answer}]\ndegrade: {deferred: {}}")
	got := []any{float64(p.Cascade.Confidence), p.Cascade.JudgeTimeout, p.Cascade.Measure(), p.Degrade.Deferred.Message, p.Degrade.Deferred.MaxAge}
	want := []any{cascade.DefaultThreshold, cascade.DefaultJudgeTimeout, "logprobs", degrade.DefaultDeferredText, jobs.DefaultExpiry}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}
