package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// Guard decides what a target may see of a request. It returns req itself, a copy that
// differs, or an error: then the target is skipped, and the error's text is the reason
// on record. It should be a *middleware.RefusedError with By, the name of the guard, and
// Reason, which must not quote the request.
//
// A Guard must not change req, which other targets get too, and must be safe for
// concurrent use. A copy may share with req what it does not change.
type Guard func(ctx context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error)

// Target is what guards know of the model that a request would go to.
type Target struct {
	Name    string   // as in records
	Aliases []string // other names that rules may use for it

	// Region is where the model runs, such as "europe-west4". A rule that names regions
	// relies on it, so it must be the region that is called. "" is in no region.
	Region string

	// Capabilities is what the model can process beside text: "tools", "images", "audio",
	// "video", "documents", "json_schema" (a response schema). Nil if not known: then
	// everything is sent. An empty list means text only.
	Capabilities []string

	// ContextWindow is how many tokens of input it takes. 0 if not known.
	ContextWindow int

	// LastResort says that it answers without a model (see package degrade), so that the
	// request does not leave the process. No guard of this package refuses it.
	LastResort bool

	// Fallback says that the turn began with another model. A router sets it for each of
	// its targets; see [Gate].
	Fallback bool
}

// is reports whether a pattern, folded, is one of the target's names.
func (t *Target) is(pattern string) bool {
	return match.Folded(pattern, match.Fold(t.Name)) ||
		slices.ContainsFunc(t.Aliases, func(alias string) bool { return match.Folded(pattern, match.Fold(alias)) })
}

// All returns a guard that runs guards in order. Each gets what the one before it has
// returned. The first error ends the run and is returned as a *middleware.RefusedError,
// which gets the target's name if it has no Model. A guard that panics, or that returns
// neither a request nor an error, refuses the request.
func All(guards ...Guard) Guard {
	return func(ctx context.Context, req *model.LLMRequest, t Target) (*model.LLMRequest, error) {
		for _, g := range guards {
			next, err := contained(ctx, g, req, t)
			if err != nil {
				return nil, refusal(err, &t)
			}
			req = next
		}
		return req, nil
	}
}

// contained calls a guard, whose panic is no reason to let the request through.
func contained(ctx context.Context, g Guard, req *model.LLMRequest, t Target) (seen *model.LLMRequest, err error) {
	defer func() {
		if p := recover(); p != nil {
			seen, err = nil, fmt.Errorf("the guard panicked: %s", panics.Text(p))
		}
	}()
	if seen, err = g(ctx, req, t); seen == nil && err == nil {
		err = errors.New("the guard returned no request")
	}
	return seen, err
}

// refuse returns the refusal of a target by the guard of a name.
func refuse(t *Target, by, reason string) error {
	return &stream.RefusedError{By: by, Model: t.Name, Reason: reason}
}

// refusal returns err as a refusal of t, in a copy that its caller may change.
func refusal(err error, t *Target) *stream.RefusedError {
	own := stream.RefusedError{By: "guard", Reason: err.Error()}
	if refused, ok := errors.AsType[*stream.RefusedError](err); ok {
		own = *refused
	}
	own.Model = cmp.Or(own.Model, t.Name)
	return &own
}
