package stream

import (
	"cmp"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// KindRefused is the kind of a call that was not made: a breaker is open, a limit or a
// budget is used up, or the model cannot accept the request.
const KindRefused failure.Kind = "refused"

// KindHedgeLost is the kind of an attempt that was cancelled because another model
// of its hedge had content first.
const KindHedgeLost failure.Kind = "hedge_lost"

// KindPreview is the kind of an attempt at a preview that failed, was skipped, or was
// cancelled because the answer had begun.
const KindPreview failure.Kind = "preview"

// RefusedError says that a layer did not let a call through to its model. Its verdict
// is to fall back: another target may answer.
type RefusedError struct {
	By     string    // the layer, such as "breaker", "limit", "budget" or "fit"
	Model  string    // the target that was not called
	Reason string    // why, in a few words
	Until  time.Time // when the layer expects to let calls through again; zero if unknown
}

func (e *RefusedError) Error() string {
	return "middleware: " + e.By + " refused " + cmp.Or(e.Model, "the model") + ": " + e.Reason
}

// attributes are those of the event on the call's span.
func (e *RefusedError) attributes() []telemetry.Attribute {
	all := []telemetry.Attribute{telemetry.EventTarget.String(telemetry.Name(e.Model)), telemetry.EventBy.String(e.By), telemetry.EventReason.String(telemetry.Name(e.Reason))}
	if !e.Until.IsZero() {
		all = append(all, telemetry.EventRecovers.Int64(max(time.Until(e.Until), 0).Milliseconds()))
	}
	return all
}

// Verdict returns the verdict of the refusal, for package failure.
func (e *RefusedError) Verdict() failure.Verdict {
	return failure.Verdict{
		Action: failure.Fallback, Kind: KindRefused, Scope: failure.ScopeModel, Code: e.By, Message: e.Error(), Reason: e.Reason,
	}
}
