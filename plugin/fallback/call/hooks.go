package call

import (
	"context"
	"time"
)

// Hooks report what calls do, for metrics, logs or alerts. Each is optional. They run on
// the caller's goroutine, so they should be quick. They must be safe for concurrent use,
// because calls are concurrent. A panic in one is recovered and logged.
//
// ctx is the context of the call: [From] returns its caller, and its span is the span
// of the whole call.
type Hooks struct {
	// OnAttempt is called after each attempt, in the order of the record: failed
	// attempts, the one that answered, and skipped targets. It is not called for an attempt
	// whose answer the caller stops reading without cancelling the context.
	OnAttempt func(ctx context.Context, a Attempt)
	// OnFallback is called once for each call that a fallback answered, or that no target
	// answered (then FallbackModel is empty). It is not called if the caller cancelled
	// the call.
	OnFallback func(ctx context.Context, md Metadata)
	// OnEnd is called once at the end of each call, after the other hooks, also if the caller
	// panics while it reads the answer. It is not called for the losing part of a hedge.
	OnEnd func(ctx context.Context, r Result)
}

// Result is how a call ended.
type Result struct {
	// Metadata is that of the answer, or of the failure. Its Attempts is set even if the
	// call has not fallen back.
	Metadata
	// Outcome is OK, Failed if no target answered, or Cancelled.
	Outcome Outcome
	// Duration is the time until the caller got the final response, or until the end of a
	// call without one, including waits. It excludes the time for which the caller holds
	// the final response: ADK runs tools meanwhile.
	Duration time.Duration
	// FirstContent is the time until the caller got the first content; 0 if it got none.
	FirstContent time.Duration
}

// Join returns hooks that call each of all, in order.
func Join(all ...Hooks) Hooks {
	var joined Hooks
	for _, h := range all {
		joined.OnAttempt = both(joined.OnAttempt, h.OnAttempt)
		joined.OnFallback = both(joined.OnFallback, h.OnFallback)
		joined.OnEnd = both(joined.OnEnd, h.OnEnd)
	}
	return joined
}

func both[T any](first, second func(context.Context, T)) func(context.Context, T) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(ctx context.Context, v T) {
		defer second(ctx, v) // also after a panic
		first(ctx, v)
	}
}
