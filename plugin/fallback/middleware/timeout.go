package middleware

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// idleSteps is how finely Idle is watched: a chunk leaves a mark, and a timer
// looks for marks every Idle/idleSteps. Resetting a timer or reading the clock
// for each chunk would cost more than passing it on.
const idleSteps = 8

// TimeoutConfig bounds one attempt in time. A limit of 0 is no limit; one at
// least must be set.
type TimeoutConfig struct {
	// FirstContent is how long the first content may take, headers and empty
	// chunks not counting. For a call that is not streamed that is the answer.
	FirstContent time.Duration
	// Idle is how long a stream may be silent after its first content, the time
	// that the consumer takes not counting. It is noticed at most an eighth of
	// Idle late.
	Idle time.Duration
	// Total is how long the attempt may take in all, the consumer's time between
	// chunks included.
	Total time.Duration
	// Grace is how long a model may go on after it was cut off. A model that
	// ignores the cancellation of its context for longer is abandoned: its
	// goroutine ends when the model does, and what it still sends is dropped.
	// With a Grace the model runs on a goroutine of its own; 0 means that it
	// runs on the caller's, and that a call returns when its model does. Models
	// that talk through net/http need none.
	Grace time.Duration
}

// NewTimeout returns a middleware that cuts an attempt off with a
// *failure.TimeoutError, which is a verdict to fall back: a silent route stays
// silent, so it is not tried twice. A stream that is slow but moves is left
// alone. The error names every wrong field.
func NewTimeout(config TimeoutConfig) (Middleware, error) {
	var problems []error
	problems = append(problems,
		notNegative("TimeoutConfig.FirstContent", config.FirstContent, "0 for no limit, or more"),
		notNegative("TimeoutConfig.Idle", config.Idle, "0 for no limit, or more"),
		notNegative("TimeoutConfig.Total", config.Total, "0 for no limit, or more"),
		notNegative("TimeoutConfig.Grace", config.Grace, "0 for none, or more"))
	if config.FirstContent == 0 && config.Idle == 0 && config.Total == 0 {
		problems = append(problems, errors.New("middleware: TimeoutConfig: no limit is set; allowed: FirstContent, Idle or Total above 0"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return func(m model.LLM) model.LLM {
		checkModel("Timeout", m)
		return stream.Forward(&timeout{inner: stream.Of(m), config: config}, m)
	}, nil
}

// MustTimeout is NewTimeout for a configuration that is known to be right.
func MustTimeout(config TimeoutConfig) Middleware { return must(NewTimeout(config)) }

type timeout struct {
	inner  stream.Layer
	config TimeoutConfig
}

func (t *timeout) Name() string { return t.inner.Name() }

func (t *timeout) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(t, ctx, req, streamed)
}

// Target implements provider.Described.
func (t *timeout) Target() provider.Target { return stream.TargetOf(t.inner) }

func (t *timeout) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if t.config.Grace > 0 {
		return t.detached(ctx, req, streamed, out)
	}
	w := out.Watch(ctx, t)
	defer w.End()
	return t.inner.Do(w, req, streamed, out)
}

// Look implements stream.Watcher.
func (t *timeout) Look(elapsed, silent time.Duration, shown bool) (pause time.Duration, cause error) {
	c := &t.config
	switch {
	case c.Total > 0 && elapsed >= c.Total:
		return 0, &failure.TimeoutError{Phase: "total", Limit: c.Total}
	case !shown && c.FirstContent > 0 && elapsed >= c.FirstContent:
		return 0, &failure.TimeoutError{Phase: "first content", Limit: c.FirstContent}
	case shown && c.Idle > 0 && silent >= c.Idle:
		return 0, &failure.TimeoutError{Phase: "idle", Limit: c.Idle}
	}
	return t.next(elapsed, shown), nil
}

// next returns how long to wait before the next look: until the next limit, and
// often enough to see when a stream falls silent. 0 is for good.
func (t *timeout) next(elapsed time.Duration, shown bool) time.Duration {
	const never = time.Duration(math.MaxInt64)
	next := never
	if t.config.Total > 0 {
		next = min(next, t.config.Total-elapsed)
	}
	if t.config.FirstContent > 0 && !shown {
		next = min(next, t.config.FirstContent-elapsed)
	}
	if t.config.Idle > 0 {
		next = min(next, max(t.config.Idle/idleSteps, time.Millisecond))
	}
	if next == never {
		return 0
	}
	return next
}

// item is a response on its way from a detached model to its caller, with what
// the model's side of the tree knows about it.
type item struct {
	model string
	notes stream.Notes
	resp  *model.LLMResponse
}

// detached runs the attempt on a goroutine of its own, which ends when inner
// does, and leaves it behind when it outlives its cancellation by Grace.
func (t *timeout) detached(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	items, done, abandoned := make(chan item), make(chan error, 1), make(chan struct{})
	defer close(abandoned)
	var fork *stream.Sink
	fork = out.ForkApart(func(resp *model.LLMResponse, _ error) bool {
		select {
		case items <- item{fork.Model, fork.Notes, resp}:
			return true
		case <-abandoned:
			return false
		}
	})
	w := fork.Watch(ctx, t)
	defer w.End()
	go func() { done <- contained(w, t.inner, req, streamed, fork) }()

	ended := w.Done()
	var grace <-chan time.Time
	for {
		select {
		case it := <-items:
			out.Model, out.Notes = it.model, it.notes
			if !out.Send(it.resp) {
				return nil
			}
		case err := <-done:
			out.Join(fork)
			return err
		case <-ended:
			timer := time.NewTimer(t.config.Grace)
			defer timer.Stop()
			ended, grace = nil, timer.C
		case <-grace:
			return stream.Abandoned(w, t.Name(), out)
		}
	}
}

// contained makes a panic of a layer within an error: on a goroutine of ours it
// would take the application down.
func contained(ctx context.Context, inner stream.Layer, req *model.LLMRequest, streamed bool, out *stream.Sink) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("middleware: %s panicked: %v", inner.Name(), r)
		}
	}()
	return inner.Do(ctx, req, streamed, out)
}
