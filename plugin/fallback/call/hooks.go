package call

import "context"

// Hooks tell an application what its calls go through, for metrics, logs or
// alerts. Each may be nil. They run on the caller's goroutine, so they should be
// quick, and must be safe for concurrent use, because calls are concurrent. A
// panic in one is logged and goes no further.
//
// ctx is that of the call: [From] tells its caller, and its span is that of the
// whole call.
type Hooks struct {
	// OnAttempt is called after each attempt, in the order in which they are
	// recorded: failed ones, the one that answered, and targets that were skipped.
	OnAttempt func(ctx context.Context, a Attempt)
	// OnFallback is called once for each call that another target than the first
	// answered, or that no target answered; then FallbackModel is empty. It is not
	// called if the caller cancelled the call.
	OnFallback func(ctx context.Context, md Metadata)
}
