package middleware

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Defaults of RetryConfig.
const (
	DefaultMaxRetries = 2
	DefaultBaseDelay  = 500 * time.Millisecond
	DefaultMaxDelay   = 10 * time.Second
	DefaultMaxWait    = time.Minute // a quota per minute is worth waiting for, a longer one is not
	DefaultSkipWait   = 5 * time.Second
)

// RetryConfig says how often, and after which waits, the same model is called again.
// The zero value means the defaults above.
type RetryConfig struct {
	// MaxRetries bounds the attempts after the first; a verdict may allow fewer. 0
	// means DefaultMaxRetries.
	MaxRetries int
	// BaseDelay is the first backoff, doubled for each further one up to MaxDelay. The
	// wait is random between half of the backoff and all of it, so it never exceeds
	// MaxDelay. 0 means the defaults.
	BaseDelay, MaxDelay time.Duration
	// MaxWait is the longest wait that the provider may ask for. If it asks for a
	// longer one, the verdict is to fall back, with that delay as the cooldown. 0 means
	// DefaultMaxWait.
	MaxWait time.Duration
	// SkipWait is the longest wait of any kind while a router has another target left;
	// instead of a longer one, the call falls back at once. 0 means DefaultSkipWait;
	// a negative value, such as -1, means no limit.
	SkipWait time.Duration
	// Budget bounds the retries over all calls, so that an outage is not amplified.
	// Nil means a separate budget for this middleware with the defaults.
	Budget *RetryBudget
	// Rand draws the jitter, in [0, 1). It must be safe for concurrent use. Nil
	// means math/rand/v2.
	Rand func() float64
}

// NewRetry returns a middleware that calls its model again when a failure's verdict is
// to retry. It does not wait if a limit of the caller or an outer layer would end
// first, or if an inner breaker would refuse the next call. If it does not wait as
// long as the provider asks, the inner breaker opens for that time.
//
// After part of the answer was shown, it retries only if no router has another target
// and the part may be discarded: the consumer then gets a restart marker first
// (call.KeyRestart). The error names every wrong field.
func NewRetry(config RetryConfig) (Middleware, error) {
	problems := []error{
		check.NotNegative("middleware: RetryConfig.MaxRetries", config.MaxRetries, fmt.Sprintf("0 for %d, or more", DefaultMaxRetries)),
		check.NotNegative("middleware: RetryConfig.BaseDelay", config.BaseDelay, fmt.Sprintf("0 for %v, or more", DefaultBaseDelay)),
		check.NotNegative("middleware: RetryConfig.MaxDelay", config.MaxDelay, fmt.Sprintf("0 for %v, or more", DefaultMaxDelay)),
		check.NotNegative("middleware: RetryConfig.MaxWait", config.MaxWait, fmt.Sprintf("0 for %v, or more", DefaultMaxWait)),
	}
	config.MaxRetries = cmp.Or(config.MaxRetries, DefaultMaxRetries)
	config.BaseDelay = cmp.Or(config.BaseDelay, DefaultBaseDelay)
	config.MaxDelay = cmp.Or(config.MaxDelay, max(DefaultMaxDelay, config.BaseDelay))
	config.MaxWait = cmp.Or(config.MaxWait, DefaultMaxWait)
	config.SkipWait = cmp.Or(config.SkipWait, DefaultSkipWait)
	if config.BaseDelay > config.MaxDelay {
		problems = append(problems, fmt.Errorf("middleware: RetryConfig.BaseDelay: %v is more than MaxDelay, %v; must be at most MaxDelay", config.BaseDelay, config.MaxDelay))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if config.Budget == nil {
		config.Budget = MustRetryBudget(0, 0)
	}
	if config.Rand == nil {
		config.Rand = rand.Float64
	}
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Retry", m)
		return stream.Forward(&retry{Around: stream.Around{Inner: stream.Of(m)}, config: config}, m)
	}, nil
}

// MustRetry is NewRetry, but panics on an error.
func MustRetry(config RetryConfig) Middleware { return check.Must(NewRetry(config)) }

type retry struct {
	stream.Around
	config RetryConfig
}

func (r *retry) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(r, ctx, req, streamed)
}

func (r *retry) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	r.config.Budget.budget.Earn()
	err := r.Inner.Do(ctx, req, streamed, out)
	if err == nil {
		return nil
	}
	return r.retry(ctx, req, streamed, out, err)
}

// retry makes further attempts after one that failed with err, and returns how the last one
// ended.
func (r *retry) retry(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink, err error) error {
	var previous failure.Verdict
	var waited time.Duration // since previous
	for retries := 0; err != nil; retries++ {
		if out.Stopped || out.Final || ctx.Err() != nil || out.Shown && (out.HasNext || out.Continuous) {
			return err
		}
		verdict := stream.VerdictOf(ctx, err).Following(previous, waited)
		wait, reason := r.wait(ctx, err, verdict, retries, out)
		if reason != "" {
			return giveUp(r.Name(), err, verdict, reason)
		}
		started := time.Now()
		if !sleep(ctx, wait) {
			return stream.Ended(ctx)
		}
		out.Restart()
		out.Wait = wait
		next := r.Inner.Do(ctx, req, streamed, out)
		if refused, ok := next.(*RefusedError); ok {
			// Other calls have opened a breaker. The error stays the model's, so that
			// the router does not call the model once more.
			out.Wait = 0
			return giveUp(r.Name(), err, verdict, refused.Reason)
		}
		err, previous, waited = next, verdict, time.Since(started)
	}
	return nil
}

// wait returns how long to wait before the next attempt, or the reason not to make
// one.
func (r *retry) wait(ctx context.Context, err error, verdict failure.Verdict, retries int, out *stream.Sink) (wait time.Duration, reason string) {
	limit := r.config.MaxRetries
	if verdict.MaxRetries > 0 {
		limit = min(limit, verdict.MaxRetries)
	}
	if verdict.Action != failure.Retry {
		return 0, "the verdict is not to retry"
	}
	if retries >= limit {
		return 0, "retries are used up"
	}
	wait = max(verdict.RetryAfter, r.backoff(retries))
	then := time.Now().Add(wait)
	breaker := breakerOf(err)
	switch {
	case verdict.RetryAfter > r.config.MaxWait:
		reason = "the provider asks for a longer wait than is allowed"
	case r.config.SkipWait >= 0 && out.HasNext && wait > r.config.SkipWait:
		reason = "another target is free sooner"
	case out.Ends(ctx, then):
		reason = "the time is over before the next try"
	case breaker != nil && breaker.Refuses(then):
		return 0, "the breaker is open"
	case !r.config.Budget.budget.Take():
		return 0, "the retry budget is used up"
	}
	if reason != "" && breaker != nil && verdict.RetryAfter > 0 {
		breaker.Rest(verdict.RetryAfter, verdict.Reason)
	}
	return wait, reason
}

// breakerOf returns the breaker that a failed attempt went through, or nil.
func breakerOf(err error) stream.Breaker {
	if attempt, ok := err.(*stream.AttemptError); ok {
		return attempt.Breaker
	}
	return nil
}

// backoff returns a random wait before the given retry, counted from 0.
func (r *retry) backoff(retries int) time.Duration {
	d := r.config.MaxDelay
	if retries < 32 && r.config.BaseDelay < r.config.MaxDelay>>retries {
		d = r.config.BaseDelay << retries
	}
	half := d / 2
	return half + time.Duration(r.config.Rand()*float64(d-half))
}

// giveUp changes the verdict of err from retry to fall back, because this layer makes
// no more attempts. Other errors are returned unchanged.
func giveUp(name string, err error, verdict failure.Verdict, reason string) error {
	attempt, isAttempt := err.(*stream.AttemptError)
	if verdict.Action != failure.Retry && !isAttempt {
		return err
	}
	if verdict.Action == failure.Retry {
		verdict.Action, verdict.Reason = failure.Fallback, reason
		verdict.Cooldown = max(verdict.Cooldown, verdict.RetryAfter)
		verdict.RetryAfter, verdict.MaxRetries = 0, 0
	}
	if !isAttempt {
		return &stream.AttemptError{Model: name, Err: err, Means: verdict}
	}
	*attempt = stream.AttemptError{Model: attempt.Model, Err: attempt.Err, Means: verdict, Record: attempt.Record}
	return attempt
}

// sleep waits for d and reports false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
