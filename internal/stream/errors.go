package stream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// AttemptError is the error of one attempt with its verdict, so that outer layers need
// not judge it again. The layer that gets it owns it and may change the verdict.
type AttemptError struct {
	Model string
	Err   error
	Means failure.Verdict

	// Breaker is a breaker that the attempt went through, nil for none.
	Breaker Breaker

	// Record is the record of the attempt; zero if it was not recorded.
	Record call.Attempt

	cut bool // a layer of ours ended the attempt
}

// FailedAttempt returns the record of an attempt at a model that failed with verdict v.
func FailedAttempt(name string, v failure.Verdict) call.Attempt {
	return call.Attempt{
		Model: name, Outcome: call.Failed, Code: v.Code, Kind: string(v.Kind), HTTPStatus: v.HTTPStatus, Reason: v.Reason, Message: v.Message,
	}
}

// Breaker is the interface of a breaker for the layers around it.
type Breaker interface {
	// Refuses reports whether the breaker would refuse a call at that time.
	Refuses(then time.Time) bool
	// Rest opens the breaker for d: the provider asks for this delay, and no call waits.
	Rest(d time.Duration, reason string)
}

// newAttemptError judges err. If a layer of ours has cancelled ctx, it uses the cause,
// whatever error the model returned.
func newAttemptError(ctx context.Context, name string, err error) *AttemptError {
	if ctx.Err() != nil {
		if cause, ok := context.Cause(ctx).(decider); ok {
			return &AttemptError{Model: name, Err: cause, Means: cause.Verdict(), cut: true}
		}
	}
	return &AttemptError{Model: name, Err: err, Means: failure.Classifier{}.Classify(ctx, err)}
}

// decider is an error of a layer of ours that has a verdict.
type decider interface {
	error
	Verdict() failure.Verdict
}

// Ended returns why ctx, which is done, has ended: the cause if a layer of ours ended
// it, or else the caller's own error.
func Ended(ctx context.Context) error {
	if cause, ok := context.Cause(ctx).(decider); ok {
		return cause
	}
	return ctx.Err()
}

func (e *AttemptError) Error() string { return fmt.Sprintf("%s: %v", e.Model, e.Err) }

// Unwrap returns the model's own error.
func (e *AttemptError) Unwrap() error { return e.Err }

// Verdict returns Means, for package failure.
func (e *AttemptError) Verdict() failure.Verdict { return e.Means }

// VerdictOf returns the verdict of err, the result of a Layer's Do, for the caller of
// ctx. If a layer of ours has ended ctx, an attempt that it cut off keeps that layer's
// verdict: an inner breaker must see that its model was too slow.
func VerdictOf(ctx context.Context, err error) failure.Verdict {
	ended := ctx.Err() != nil
	switch err := err.(type) {
	case *AttemptError:
		if !ended || err.cut {
			return err.Means
		}
	case *RefusedError:
		if !ended {
			return err.Verdict()
		}
	}
	return failure.Classifier{}.Classify(ctx, err)
}

// BadResponse is a final response that arrived as success but is a failure.
type BadResponse struct {
	Model    string // the target that sent it
	Response *model.LLMResponse
	Means    failure.Verdict
}

func (e *BadResponse) Error() string { return e.Means.Err().Error() }

// Verdict returns Means, for package failure.
func (e *BadResponse) Verdict() failure.Verdict { return e.Means }

// Unwrap returns the error that package failure makes of the response.
func (e *BadResponse) Unwrap() error { return e.Means.Err() }

// refusal returns the latest refusal in err: the user must see the provider's reason,
// whatever was tried before.
func refusal(err error) *BadResponse {
	switch e := err.(type) {
	case nil:
		return nil
	case *BadResponse:
		if e.Means.Action == failure.Fail {
			return e
		}
		return nil
	case interface{ Unwrap() error }:
		return refusal(e.Unwrap())
	case interface{ Unwrap() []error }:
		ended, _ := err.(decider) // a call may have gone on after a refusal, and ended otherwise
		for _, cause := range slices.Backward(e.Unwrap()) {
			if bad := refusal(cause); bad != nil && (ended == nil || ended.Verdict().Kind == bad.Means.Kind) {
				return bad
			}
		}
	}
	return nil
}
