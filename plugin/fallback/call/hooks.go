package call

import "context"

// Hooks report the attempts and fallbacks of calls, for metrics, logs or alerts. Each
// is optional. They run on the caller's goroutine, so they should be quick. They must
// be safe for concurrent use, because calls are concurrent. A panic in one is
// recovered and logged.
//
// ctx is the context of the call: [From] returns its caller, and its span is the span
// of the whole call.
type Hooks struct {
	// OnAttempt is called after each attempt, in the order of the record: failed
	// attempts, the one that answered, and skipped targets.
	OnAttempt func(ctx context.Context, a Attempt)
	// OnFallback is called once for each call that another target than the first
	// answered, or that no target answered; then FallbackModel is empty. It is not
	// called if the caller cancelled the call.
	OnFallback func(ctx context.Context, md Metadata)
}
