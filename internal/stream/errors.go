package stream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// AttemptError is how one attempt failed, with what that means, so that the
// layers around need not judge it again. It belongs to the layer that has it, which
// may change what it means.
type AttemptError struct {
	Model string
	Err   error
	Means failure.Verdict

	// Breaker is one that the attempt went through, nil for none.
	Breaker Breaker

	cut bool // a layer of ours ended the attempt
}

// Breaker is what layers around a breaker may know of it, and tell it.
type Breaker interface {
	// Refuses reports whether the breaker would refuse a call at that time.
	Refuses(then time.Time) bool
	// Rest opens the breaker for d: the provider has asked for it, and nobody waits.
	Rest(d time.Duration, reason string)
}

// newAttemptError judges err. When a layer of ours has cancelled ctx, its cause
// is what happened, whatever the model made of the cancellation.
func newAttemptError(ctx context.Context, name string, err error) *AttemptError {
	if ctx.Err() != nil {
		if cause, ok := context.Cause(ctx).(decider); ok {
			return &AttemptError{Model: name, Err: cause, Means: cause.Verdict(), cut: true}
		}
	}
	return &AttemptError{Model: name, Err: err, Means: failure.Classifier{}.Classify(ctx, err)}
}

// decider is an error of a layer of ours, which knows what it means.
type decider interface {
	error
	Verdict() failure.Verdict
}

// Ended returns why ctx, which is done, has ended: the cause if a layer of ours
// ended it, else the caller's own error.
func Ended(ctx context.Context) error {
	if cause, ok := context.Cause(ctx).(decider); ok {
		return cause
	}
	return ctx.Err()
}

func (e *AttemptError) Error() string { return fmt.Sprintf("%s: %v", e.Model, e.Err) }

// Unwrap gives the model's own error.
func (e *AttemptError) Unwrap() error { return e.Err }

// Verdict says what the failure means; package failure looks for it.
func (e *AttemptError) Verdict() failure.Verdict { return e.Means }

// VerdictOf says what err, the result of a Layer's Do, means to the caller of
// ctx. When a layer of ours has ended ctx, an attempt that it cut off still
// means what that layer says: a breaker within must hear that its model was too
// slow.
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

// BadResponse is a final response that arrived as success and is none.
type BadResponse struct {
	Model    string // the target that sent it
	Response *model.LLMResponse
	Means    failure.Verdict
}

func (e *BadResponse) Error() string { return e.Means.Err().Error() }

// Verdict says what the response means; package failure looks for it.
func (e *BadResponse) Verdict() failure.Verdict { return e.Means }

// Unwrap gives the error that package failure makes of the response.
func (e *BadResponse) Unwrap() error { return e.Means.Err() }

// refusal finds the latest refusal in err: the provider's reason is the user's
// to see, whatever else was tried before.
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
