package group

import (
	"context"
	"fmt"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// AllFailedError says that no target answered, after two or more were called or skipped. Its
// causes are in the order of these targets, and errors.Is and errors.As find each. If only one
// was called or skipped, because there is no other or its verdict is to fail, the call returns
// its error instead.
type AllFailedError struct {
	Causes []error
	// Means is the verdict of the call: the latest cause's verdict to fail, or else the
	// first cause's verdict.
	Means failure.Verdict
}

func (e *AllFailedError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "router: no target answered (%d tried or skipped)", len(e.Causes))
	for i, cause := range e.Causes {
		fmt.Fprintf(&text, "; %d. %v", i+1, cause)
	}
	return text.String()
}

// Verdict returns Means, or the verdict of the first cause if Means is not set.
func (e *AllFailedError) Verdict() failure.Verdict {
	if e.Means.Action == "" && len(e.Causes) > 0 {
		return failure.Classify(e.Causes[0])
	}
	return e.Means
}

// AllFailed returns the error of a call with these causes.
func AllFailed(ctx context.Context, causes []error) error {
	if len(causes) == 1 {
		return causes[0]
	}
	all := &AllFailedError{Causes: causes, Means: stream.VerdictOf(ctx, causes[0])}
	for _, cause := range causes[1:] {
		if v := stream.VerdictOf(ctx, cause); v.Action == failure.Fail {
			all.Means = v
		}
	}
	return all
}

// Unwrap returns the causes.
func (e *AllFailedError) Unwrap() []error { return e.Causes }

// Refusal returns err as a refusal, or nil if a model was called. A group of models
// refuses a call if each member does, until the first of them recovers. If breakers are
// among them, the breaker that recovers first counts, because a router may force it.
func Refusal(err error) *stream.RefusedError {
	switch err := err.(type) {
	case *stream.RefusedError:
		return err
	case *AllFailedError:
		var soonest *stream.RefusedError
		for _, cause := range err.Causes {
			refused := Refusal(cause)
			if refused == nil {
				return nil
			}
			if soonest == nil || isBefore(refused, soonest) {
				soonest = refused
			}
		}
		return soonest
	}
	return nil
}

func isBefore(a, b *stream.RefusedError) bool {
	if breaker := a.By == "breaker"; breaker != (b.By == "breaker") {
		return breaker
	}
	return a.Until.Before(b.Until)
}
