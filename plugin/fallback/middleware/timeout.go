package middleware

import (
	"context"
	"errors"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/deadline"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// TimeoutConfig bounds one attempt in time. A limit of 0 means no limit; at least one
// must be set.
type TimeoutConfig struct {
	// FirstContent is how long the first content may take. Headers and empty chunks
	// do not count. For a call that is not streamed, the content is the answer.
	FirstContent time.Duration
	// Idle is how long a stream may be silent after its first content, not counting
	// the consumer's time. The cut comes at most an eighth of Idle late.
	Idle time.Duration
	// Total is how long the attempt may take in all, including the consumer's time
	// between chunks.
	Total time.Duration
	// Grace is how long a model may run after it was cut off. 0 means that the model
	// runs on the caller's goroutine: it is cut off at its next chunk, and the call
	// returns when the model does. Models that use net/http need no Grace.
	//
	// With a Grace, the model gets its own goroutine and a copy of the request. If it
	// ignores its cancelled context for longer, it is abandoned: its responses are
	// dropped, and the goroutine ends when the model returns.
	Grace time.Duration
}

// NewTimeout returns a middleware that cuts an attempt off with a
// *failure.TimeoutError. Its verdict is to fall back: a silent route stays silent, so
// it is not tried twice. Without a Total, a stream that is slow but moves is not cut
// off. The error names every wrong field.
func NewTimeout(config TimeoutConfig) (Middleware, error) {
	var problems []error
	problems = append(problems,
		check.NotNegative("middleware: TimeoutConfig.FirstContent", config.FirstContent, "0 for no limit, or more"),
		check.NotNegative("middleware: TimeoutConfig.Idle", config.Idle, "0 for no limit, or more"),
		check.NotNegative("middleware: TimeoutConfig.Total", config.Total, "0 for no limit, or more"),
		check.NotNegative("middleware: TimeoutConfig.Grace", config.Grace, "0 for none, or more"))
	if config.FirstContent == 0 && config.Idle == 0 && config.Total == 0 {
		problems = append(problems, errors.New("middleware: TimeoutConfig: no limit is set; set FirstContent, Idle or Total above 0"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return func(m model.LLM) model.LLM {
		check.Model("middleware: Timeout", m)
		return stream.Forward(newTimeout(stream.Of(m), config), m)
	}, nil
}

// MustTimeout is NewTimeout, but panics on an error.
func MustTimeout(config TimeoutConfig) Middleware { return check.Must(NewTimeout(config)) }

type timeout struct {
	stream.Around
	limits deadline.Limits
	grace  time.Duration
}

func newTimeout(inner stream.Layer, config TimeoutConfig) *timeout {
	t := &timeout{Around: stream.Around{Inner: inner}, grace: config.Grace}
	t.limits = deadline.Limits{
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

// detached abandons the attempt if it is not over Grace after its cancellation.
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
