package middleware

import (
	"context"
	"errors"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

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
	// With a Grace the model runs on a goroutine of its own, with a copy of the
	// request. 0 means that it runs on the caller's: it is then cut off at its next
	// chunk, and a call returns when its model does. Models that talk through
	// net/http need none.
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
		return stream.Forward(newTimeout(stream.Of(m), config), m)
	}, nil
}

// MustTimeout is NewTimeout for a configuration that is known to be right.
func MustTimeout(config TimeoutConfig) Middleware { return must(NewTimeout(config)) }

type timeout struct {
	stream.Around
	limits stream.Limits
	grace  time.Duration
}

func newTimeout(inner stream.Layer, config TimeoutConfig) *timeout {
	t := &timeout{Around: stream.Around{Inner: inner}, grace: config.Grace}
	t.limits = stream.Limits{
		FirstContent: config.FirstContent, Idle: config.Idle, Total: config.Total,
		Why: func(phase string, limit time.Duration) error {
			return &failure.TimeoutError{Phase: phase, Limit: limit}
		},
	}
	return t
}

func (t *timeout) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(t, ctx, req, streamed)
}

func (t *timeout) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	ctx, end := out.Limit(ctx, t.limits)
	defer end()
	if t.grace == 0 {
		return t.Inner.Do(ctx, req, streamed, out)
	}
	return t.detached(ctx, req, streamed, out)
}

// detached leaves the attempt behind when it outlives its cancellation by the grace.
func (t *timeout) detached(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	items := make(chan stream.Item)
	d := out.Detach(ctx, t.Inner, req, streamed, items)
	var deaf call.Attempt
	defer func() { d.Leave(deaf) }()
	ended := ctx.Done()
	var grace <-chan time.Time
	for {
		select {
		case item := <-items:
			if item.Response == nil {
				d.Sink().Join()
				return item.Err
			}
			if !d.Pass(item.Response) {
				return nil
			}
		case <-ended:
			timer := time.NewTimer(t.grace)
			defer timer.Stop()
			ended, grace = nil, timer.C
		case <-grace:
			var err *stream.AttemptError
			err, deaf = d.Deaf(ctx)
			return err
		}
	}
}
