package middleware

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Defaults of BreakerConfig.
const (
	DefaultConsecutiveFailures = 5
	DefaultMinRequests         = 10
	DefaultWindow              = time.Minute
	DefaultOpenFor             = 30 * time.Second
)

// BreakerConfig says when a breaker opens and for how long. The zero value
// means the defaults above.
type BreakerConfig struct {
	// ConsecutiveFailures is how many failures in a row open the breaker. A
	// pause longer than Window between two of them breaks the row. 0 means
	// DefaultConsecutiveFailures.
	ConsecutiveFailures int
	// FailureRatio opens the breaker when at least this share, in (0, 1], of the
	// calls of the last Window failed and they were at least MinRequests. 0
	// means that the share does not matter.
	FailureRatio float64
	// MinRequests is how many calls make a share. 0 means DefaultMinRequests.
	MinRequests int
	// Window is how long an outcome counts; it slides in tenths. 0 means
	// DefaultWindow.
	Window time.Duration
	// OpenFor is how long an open breaker waits before it lets one call through
	// as a probe. A target is used again OpenFor after it has recovered at the
	// latest, plus the time to the next call. 0 means DefaultOpenFor.
	OpenFor time.Duration
	// MaxOpenFor lets OpenFor double with each failed probe, up to this. 0 means
	// OpenFor: it does not grow.
	MaxOpenFor time.Duration
	// OnStateChange is told of every change of the breaker in front of the named
	// model, on the goroutine of the call that caused it. Calls at the same time
	// may report out of order, so it must be safe for concurrent use. A panic in
	// it is logged and goes no further. Nil means that nobody is told.
	OnStateChange func(model string, from, to BreakerState)
}

// BreakerState is what a breaker does with calls. It is stable and fit for
// metrics and logs.
type BreakerState string

const (
	BreakerClosed   BreakerState = "closed"    // lets every call through
	BreakerOpen     BreakerState = "open"      // refuses every call
	BreakerHalfOpen BreakerState = "half_open" // lets one call through as a probe
)

// NewBreaker returns a middleware that stops calling a target that keeps
// failing: calls are refused at once with a *RefusedError, a verdict to fall
// back, until a single probe has shown that the target serves again.
//
// It opens after ConsecutiveFailures, at FailureRatio, and at once for a failure
// whose verdict has a cooldown, such as a daily quota that is used up: then until
// that time. Where the verdict asks for a retry first, the cooldown counts when
// the retries that the verdict grants have failed in a row, too. A Retry around
// the breaker that does not wait as long as the provider asks opens it for that
// time.
//
// What counts is what another call would meet as well: rate limits, overload,
// faults of the server or the network, timeouts, truncated and empty answers. What
// is the request's or the caller's own never counts, neither as a failure nor
// as a success: cancellation, refusals by content policy, a request that is
// invalid or too large, an unrecognised error, and a call that a layer within
// refused. Nor does a bad key, or any other failure that is the caller's to see
// (failure.Fail): an open breaker would hide it behind a fallback.
//
// A call ends with its final response, before the consumer uses that: the tools
// and agents that ADK runs then find the breaker closed by a probe's success.
//
// A probe that ends without counting leaves its place to the next call; one that
// takes longer than OpenFor is joined by another. A router whose targets are all
// open can send a call through an open breaker; its success closes the breaker.
//
// The error names every wrong field.
func NewBreaker(config BreakerConfig) (Middleware, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	orDefault(&config.ConsecutiveFailures, DefaultConsecutiveFailures)
	orDefault(&config.MinRequests, DefaultMinRequests)
	orDefault(&config.Window, DefaultWindow)
	orDefault(&config.OpenFor, DefaultOpenFor)
	orDefault(&config.MaxOpenFor, config.OpenFor)
	return func(m model.LLM) model.LLM {
		checkModel("Breaker", m)
		return stream.Forward(&breaker{Around: stream.Around{Inner: stream.Of(m)}, circuit: newCircuit(&config), notify: config.OnStateChange}, m)
	}, nil
}

// MustBreaker is NewBreaker for a configuration that is known to be right.
func MustBreaker(config BreakerConfig) Middleware { return must(NewBreaker(config)) }

func (c *BreakerConfig) check() error {
	problems := []error{
		notNegative("BreakerConfig.ConsecutiveFailures", c.ConsecutiveFailures, fmt.Sprintf("0 for %d, or more", DefaultConsecutiveFailures)),
		notNegative("BreakerConfig.MinRequests", c.MinRequests, fmt.Sprintf("0 for %d, or more", DefaultMinRequests)),
		notNegative("BreakerConfig.Window", c.Window, fmt.Sprintf("0 for %v, or more", DefaultWindow)),
		notNegative("BreakerConfig.OpenFor", c.OpenFor, fmt.Sprintf("0 for %v, or more", DefaultOpenFor)),
		notNegative("BreakerConfig.MaxOpenFor", c.MaxOpenFor, "0 for OpenFor, or more"),
	}
	if !(c.FailureRatio >= 0 && c.FailureRatio <= 1) {
		problems = append(problems, fmt.Errorf("middleware: BreakerConfig.FailureRatio: %v is out of range; allowed: 0 for none, or above 0 up to 1", c.FailureRatio))
	}
	openFor := c.OpenFor
	orDefault(&openFor, DefaultOpenFor)
	if c.MaxOpenFor > 0 && c.MaxOpenFor < openFor {
		problems = append(problems, fmt.Errorf("middleware: BreakerConfig.MaxOpenFor: %v is less than OpenFor, %v; allowed: 0 for OpenFor, or OpenFor and more", c.MaxOpenFor, openFor))
	}
	return errors.Join(problems...)
}

// notNegative reports a wrong field, or returns nil.
func notNegative[T int | time.Duration](field string, value T, allowed string) error {
	if value >= 0 {
		return nil
	}
	return fmt.Errorf("middleware: %s: %v is negative; allowed: %s", field, value, allowed)
}

type breaker struct {
	stream.Around
	circuit *circuit
	notify  func(model string, from, to BreakerState)
}

func (b *breaker) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(b, ctx, req, streamed)
}

func (b *breaker) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	pass, before, after, refused := b.circuit.admit(out.Force)
	b.changed(before, after)
	if refused != nil {
		refused.Model = b.Name()
		return refused
	}
	out.Enter(b, stream.Ticket{pass.generation, pass.probe})
	var ended outcome // a panic leaves it neutral: a probe gives its place back
	defer func() {
		if answered := out.Leave(); !answered {
			b.end(pass, ended)
		}
	}()
	err := b.Inner.Do(ctx, req, streamed, out)
	ended = judge(ctx, err)
	if failed, ok := err.(*stream.AttemptError); ok {
		failed.Breaker = b
	}
	return err
}

// Refuses implements stream.Breaker.
func (b *breaker) Refuses(then time.Time) bool { return b.circuit.refuses(then) }

// Rest implements stream.Breaker.
func (b *breaker) Rest(d time.Duration, reason string) {
	b.end(permit{}, outcome{result: failed, rest: d, enough: 1, reason: reason})
}

// Answered implements stream.Tap. A call is over when the answer is there, before
// the consumer has it: ADK runs tools and other agents while it holds the
// answer, and a probe that is still under way would refuse their calls.
func (b *breaker) Answered(_ *stream.Sink, _ *model.LLMResponse, t stream.Ticket) (enough bool) {
	b.end(permit{generation: t[0], probe: t[1]}, outcome{result: succeeded})
	return true
}

func (b *breaker) end(pass permit, o outcome) { b.changed(b.circuit.end(pass, o)) }

// judge says what the end of a call without an answer tells about its target.
func judge(ctx context.Context, err error) outcome {
	if err == nil {
		return outcome{} // the consumer wanted no more before the answer was whole
	}
	v := stream.VerdictOf(ctx, err)
	if v.Action == failure.Fail || v.Scope == failure.ScopeRequest || v.Kind == failure.KindInvalid || v.Kind == failure.KindUnsupported || v.Kind == KindRefused {
		return outcome{}
	}
	o := outcome{result: failed, rest: max(v.RetryAfter, v.Cooldown), reason: v.Reason}
	switch {
	case v.Cooldown == 0:
	case v.Action == failure.Fallback:
		o.enough = 1
	case v.MaxRetries > 0:
		o.enough = v.MaxRetries + 1
	}
	return o
}

// changed tells the hook. No lock is held, so that the hook may ask models.
func (b *breaker) changed(from, to BreakerState) {
	if from == to || b.notify == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: BreakerConfig.OnStateChange panicked", "model", b.Name(), "from", from, "to", to, "panic", r)
		}
	}()
	b.notify(b.Name(), from, to)
}
