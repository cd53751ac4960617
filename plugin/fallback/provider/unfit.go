package provider

import (
	"cmp"
	"fmt"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// UnfitError says that a request has a part that affects the answer and that the
// target does not accept.
type UnfitError struct {
	Model   string // the target's
	Setting string // what it does not take, such as "google_search" or "image/png"
	Reason  string // why, in plain words; free of what users wrote
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("provider: %s does not take %s: %s", cmp.Or(e.Model, "the model"), e.Setting, e.Reason)
}

// Verdict returns a verdict to fall back without a cooldown: the model is healthy
// for other requests. It implements the method that failure.Classify looks for.
func (e *UnfitError) Verdict() failure.Verdict {
	return failure.Verdict{
		Action: failure.Fallback, Kind: "refused", Scope: failure.ScopeRequest,
		Message: e.Setting + ": " + e.Reason, Reason: "the model does not take what the request needs",
	}
}
