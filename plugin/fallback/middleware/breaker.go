package middleware

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/circuit"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
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
	// ConsecutiveFailures is how many failures in a row open the breaker. A pause
	// longer than Window restarts the count. 0 means DefaultConsecutiveFailures.
	ConsecutiveFailures int
	// FailureRatio, in (0, 1], opens the breaker when at least this share of the
	// calls of the last Window failed, out of at least MinRequests. 0 disables it.
	FailureRatio float64
	// MinRequests is how many calls FailureRatio needs. 0 means DefaultMinRequests.
	MinRequests int
	// Window is how long an outcome counts; it slides in tenths. 0 means
	// DefaultWindow.
	Window time.Duration
	// OpenFor is how long an open breaker waits before it lets one call through
	// as a probe. A recovered target is used again at the first call after at most
	// OpenFor. 0 means DefaultOpenFor.
	OpenFor time.Duration
	// MaxOpenFor lets OpenFor double with each failed probe, up to this. 0 means
	// OpenFor, which then does not grow.
	MaxOpenFor time.Duration
	// SuccessesToClose is how many probes in a row must succeed before the breaker
	// closes. Until then, calls pass one at a time, as probes; one that fails opens the
	// breaker again. 0 means 1.
	SuccessesToClose int
	// Probe, if set, returns a small request, such as [Ping], that the breaker sends by
	// itself when OpenFor has passed, so that no call is the probe: calls are refused
	// until the breaker has closed. It must be safe for concurrent use. See NewBreaker.
	Probe func() *model.LLMRequest
	// ProbeTimeout is how long such a request may take; longer is a failure. 0 means
	// DefaultProbeTimeout.
	ProbeTimeout time.Duration
	// State, if set, shares the time that the breaker is open with the breakers of other
	// replicas that are in front of the same model: they open, extend and close together.
	// Each counts its own failures and makes its own probes. Nil means that nothing is
	// shared.
	State *state.Shared
	// StateKey says which models are the same to State. "" means the model's name.
	StateKey string
	// OnStateChange is called for every change of the breaker in front of the named
	// model, on the goroutine of the call or probe that caused it. For a change that
	// another replica caused, it is called on a goroutine of State. Concurrent calls may
	// report out of order, so it must be safe for concurrent use. A panic in it is
	// recovered and logged. Optional.
	OnStateChange func(model string, from, to BreakerState)
}

// BreakerState is what a breaker does with calls. It is stable and fit for metrics and
// logs.
type BreakerState = inspect.BreakerState

const (
	BreakerClosed   = inspect.Closed   // lets every call through
	BreakerOpen     = inspect.Open     // refuses every call
	BreakerHalfOpen = inspect.HalfOpen // lets one call through as a probe
)

// NewBreaker returns a middleware that stops calling a target that keeps failing. An
// open breaker refuses calls at once with a *RefusedError, whose verdict is to fall
// back, until a single probe succeeds, or SuccessesToClose of them.
//
// It opens after ConsecutiveFailures or at FailureRatio. A failure whose verdict has
// a cooldown, such as an exhausted daily quota, opens it at once until the cooldown
// ends; if the verdict allows retries first, only when these have failed in a row
// too. A Retry around the breaker that does not wait as long as the provider asks
// opens it for that time.
//
// Failures that another call would also meet count: rate limits, overload, server and
// network faults, timeouts, truncated and empty answers. Outcomes that depend on the
// request or the caller count neither as failure nor as success: cancellation,
// refusals by content policy, invalid or too large requests, unrecognized errors, and
// calls that an inner layer refused. A bad key, or any other verdict to fail
// (failure.Fail), does not count either: an open breaker would hide it behind a
// fallback.
//
// A call ends with its final response, before the consumer uses it. So a probe's
// success closes the breaker before ADK runs tools and other agents.
//
// If a probe ends without counting, the next call is the probe; if it takes longer
// than OpenFor, another one starts. A router whose targets are all refused can force a
// call through an open breaker; its success counts like a probe's.
//
// With Probe, the first call after OpenFor is refused too, and starts the probe in the
// background: SuccessesToClose requests, one after the other, until one fails. So a
// process without calls sends none. The goroutine belongs to the breaker and ends with
// the latest request, at the latest one second after its ProbeTimeout. A request that
// says nothing about the target (it is invalid, the key is bad, a limit or a budget
// refuses it, Probe panics or returns nil) makes the next call the probe. So does a
// model that ignores the end of its context: until it returns, the breaker sends it no
// other request. The requests pass all layers within the breaker and none around it.
// They are in no record of a call. Their provider bills them, and a budget charges them
// to the tenant "".
//
// Answers of last resort (package degrade) pass an open breaker and do not count.
//
// The error names every wrong field.
func NewBreaker(config BreakerConfig) (Middleware, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Breaker", m)
		b := &breaker{Around: stream.Around{Inner: stream.Of(m)}, circuit: circuit.New(config.circuit()), notify: config.OnStateChange}
		if config.State != nil {
			b.circuit.Share(config.State, "breaker:"+cmp.Or(config.StateKey, b.Name()), b.changed)
		}
		if config.Probe != nil {
			b.pinger = newPinger(b.Inner, config.Probe, cmp.Or(config.ProbeTimeout, DefaultProbeTimeout))
		}
		return stream.Forward(b, m)
	}, nil
}

// MustBreaker is NewBreaker, but panics on an error.
func MustBreaker(config BreakerConfig) Middleware { return check.Must(NewBreaker(config)) }

func (c *BreakerConfig) check() error {
	problems := []error{
		check.NotNegative("middleware: BreakerConfig.ConsecutiveFailures", c.ConsecutiveFailures, fmt.Sprintf("0 for %d, or more", DefaultConsecutiveFailures)),
		check.NotNegative("middleware: BreakerConfig.MinRequests", c.MinRequests, fmt.Sprintf("0 for %d, or more", DefaultMinRequests)),
		check.NotNegative("middleware: BreakerConfig.Window", c.Window, fmt.Sprintf("0 for %v, or more", DefaultWindow)),
		check.NotNegative("middleware: BreakerConfig.OpenFor", c.OpenFor, fmt.Sprintf("0 for %v, or more", DefaultOpenFor)),
		check.NotNegative("middleware: BreakerConfig.MaxOpenFor", c.MaxOpenFor, "0 for OpenFor, or more"),
		check.NotNegative("middleware: BreakerConfig.SuccessesToClose", c.SuccessesToClose, "0 for 1, or more"),
		check.NotNegative("middleware: BreakerConfig.ProbeTimeout", c.ProbeTimeout, fmt.Sprintf("0 for %v, or more", DefaultProbeTimeout)),
	}
	if !(c.FailureRatio >= 0 && c.FailureRatio <= 1) {
		problems = append(problems, fmt.Errorf("middleware: BreakerConfig.FailureRatio: %v is out of range; must be 0 for none, or above 0 up to 1", c.FailureRatio))
	}
	openFor := c.OpenFor
	openFor = cmp.Or(openFor, DefaultOpenFor)
	if c.MaxOpenFor > 0 && c.MaxOpenFor < openFor {
		problems = append(problems, fmt.Errorf("middleware: BreakerConfig.MaxOpenFor: %v is less than OpenFor, %v; must be 0 for OpenFor, or OpenFor and more", c.MaxOpenFor, openFor))
	}
	return errors.Join(problems...)
}

// circuit returns the part of c that decides, with defaults filled in.
func (c *BreakerConfig) circuit() circuit.Config {
	own := circuit.Config{
		ConsecutiveFailures: cmp.Or(c.ConsecutiveFailures, DefaultConsecutiveFailures),
		FailureRatio:        c.FailureRatio,
		MinRequests:         cmp.Or(c.MinRequests, DefaultMinRequests),
		Window:              cmp.Or(c.Window, DefaultWindow),
		OpenFor:             cmp.Or(c.OpenFor, DefaultOpenFor),
		SuccessesToClose:    cmp.Or(c.SuccessesToClose, 1),
	}
	own.MaxOpenFor = cmp.Or(c.MaxOpenFor, own.OpenFor)
	if c.Probe != nil {
		own.OwnProbe = cmp.Or(c.ProbeTimeout, DefaultProbeTimeout) + 2*probeGrace // longer than the probe itself takes
	}
	return own
}

type breaker struct {
	stream.Around
	circuit *circuit.Circuit
	pinger  *pinger // nil without BreakerConfig.Probe
	notify  func(model string, from, to BreakerState)
}

func (b *breaker) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(b, ctx, req, streamed)
}

func (b *breaker) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if out.AsksNoModel() {
		return b.Inner.Do(ctx, req, streamed, out)
	}
	pass, before, after, refused := b.circuit.Admit(out.Force)
	b.changed(before, after)
	if refused != nil {
		if pass.Own {
			go b.probe(pass)
		}
		return &RefusedError{By: "breaker", Model: b.Name(), Reason: refused.Reason, Until: refused.Until}
	}
	out.Enter(b, stream.Ticket{pass.Generation, pass.Probe})
	var ended circuit.Outcome // neutral after a panic, so that the next call can be the probe
	defer func() {
		if answered := out.Leave(); !answered {
			b.end(pass, ended)
		}
	}()
	outer := out.Breaker
	out.Breaker = string(after)
	err := b.Inner.Do(ctx, req, streamed, out)
	out.Breaker, ended = outer, judge(ctx, err)
	if failed, ok := err.(*stream.AttemptError); ok {
		failed.Breaker = b
	}
	return err
}

// probe sends small requests until the circuit has closed, or one of them has not
// succeeded. It runs on a goroutine of its own, and ends with the latest request.
func (b *breaker) probe(pass circuit.Permit) {
	for {
		out, err := b.pinger.ping()
		o := circuit.Outcome{Result: circuit.Succeeded}
		if err != nil {
			o = judge(context.Background(), err)
		}
		b.end(pass, o)
		if o.Result != circuit.Succeeded || !b.circuit.Awaits(pass) {
			out.WhenEnded(0, b.circuit.Probed)
			return
		}
	}
}

// Refuses implements stream.Breaker.
func (b *breaker) Refuses(then time.Time) bool { return b.circuit.Refuses(then) }

// Rest implements stream.Breaker.
func (b *breaker) Rest(d time.Duration, reason string) {
	b.end(circuit.Permit{}, circuit.Outcome{Result: circuit.Failed, Rest: d, Enough: 1, Reason: reason})
}

// Answered implements stream.Tap. A call ends before the consumer gets the answer:
// ADK runs tools and other agents while it holds the answer, and an unfinished probe
// would refuse their calls.
func (b *breaker) Answered(_ *stream.Sink, _ *model.LLMResponse, t stream.Ticket) (enough bool) {
	b.end(circuit.Permit{Generation: t[0], Probe: t[1]}, circuit.Outcome{Result: circuit.Succeeded})
	return true
}

func (b *breaker) end(pass circuit.Permit, o circuit.Outcome) { b.changed(b.circuit.End(pass, o)) }

// judge returns the outcome of a call that ended without an answer.
func judge(ctx context.Context, err error) circuit.Outcome {
	if err == nil {
		return circuit.Outcome{} // the consumer stopped before the answer was whole
	}
	v := stream.VerdictOf(ctx, err)
	if v.Action == failure.Fail || v.Scope == failure.ScopeRequest || v.Kind == failure.KindInvalid || v.Kind == failure.KindUnsupported || v.Kind == KindRefused {
		return circuit.Outcome{}
	}
	o := circuit.Outcome{Result: circuit.Failed, Rest: max(v.RetryAfter, v.Cooldown), Reason: v.Reason}
	switch {
	case v.Cooldown == 0:
	case v.Action == failure.Fallback:
		o.Enough = 1
	case v.MaxRetries > 0:
		o.Enough = v.MaxRetries + 1
	}
	return o
}

// changed calls the hook. No lock is held, so that the hook may call models.
func (b *breaker) changed(from, to BreakerState) {
	if from == to || b.notify == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: BreakerConfig.OnStateChange panicked", "model", b.Name(), "from", from, "to", to, "panic", panics.Text(r))
		}
	}()
	b.notify(b.Name(), from, to)
}
