package failure

import (
	"context"
	"fmt"
	"time"
)

// decider is an error that knows what it means: a local refusal, an open breaker, an exhausted budget. Any error in the
// chain with this method decides for itself, before anything else is looked at but the caller's own cancellation.
type decider interface {
	Verdict() Verdict
}

// TimeoutError is our own limit on one attempt running out. A route that was silent stays silent, so it is a Fallback:
// it is not tried twice. errors.Is(err, context.DeadlineExceeded) holds.
type TimeoutError struct {
	Phase string        // what was waited for: "first content", "idle", "total"
	Limit time.Duration // how long
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("failure: attempt timed out: %s limit of %v passed", e.Phase, e.Limit)
}

// Unwrap makes a TimeoutError a context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Timeout makes a TimeoutError a net.Error's kind of timeout.
func (e *TimeoutError) Timeout() bool { return true }

// Verdict implements the method that Classify looks for.
func (e *TimeoutError) Verdict() Verdict {
	return Verdict{Action: Fallback, Kind: KindTimeout, Scope: ScopeModel, Message: e.Phase + " limit passed", Reason: "our own limit on the attempt passed"}
}

// Failures of an answer that arrived as a success.
var (
	// ErrTruncated is a stream that ended without saying that it was done.
	ErrTruncated error = &sentinel{"failure: the answer ended before it was finished",
		Verdict{Action: Retry, Kind: KindTruncated, Scope: ScopeModel, Reason: "the answer ended without a finish reason"}}
	// ErrEmpty is an answer, or a stream, with nothing in it.
	ErrEmpty error = &sentinel{"failure: the answer is empty",
		Verdict{Action: Retry, Kind: KindEmpty, Scope: ScopeModel, Reason: "the answer is empty"}}
)

type sentinel struct {
	text  string
	means Verdict
}

func (e *sentinel) Error() string { return e.text }

func (e *sentinel) Verdict() Verdict {
	v := e.means
	v.Message = e.text
	return v
}

// ResponseError is a bad answer that arrived in band: an error code in a response, a block, an unusable function call.
type ResponseError struct {
	Code    string  // the provider's word for it, or the Kind
	Message string  // redacted, at most MaxMessage bytes
	Means   Verdict // what Classify returns for it
}

func (e *ResponseError) Error() string {
	return fmt.Sprintf("failure: bad response: %s: %s", e.Code, e.Message)
}

// Verdict implements the method that Classify looks for.
func (e *ResponseError) Verdict() Verdict { return e.Means }
