package provider

import (
	"cmp"
	"fmt"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// UnfitError is a request that a target cannot be asked without changing what
// the answer would be.
type UnfitError struct {
	Model   string // the target's
	Setting string // what it does not take, such as "google_search" or "image/png"
	Reason  string // why, in plain words; free of what users wrote
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("provider: %s does not take %s: %s", cmp.Or(e.Model, "the model"), e.Setting, e.Reason)
}

// Verdict says to ask another model: this one is fine for other requests. It
// implements the method that failure.Classify looks for.
func (e *UnfitError) Verdict() failure.Verdict {
	return failure.Verdict{
		Action: failure.Fallback, Kind: "refused", Scope: failure.ScopeRequest,
		Message: e.Setting + ": " + e.Reason, Reason: "the model does not take what the request needs",
	}
}
