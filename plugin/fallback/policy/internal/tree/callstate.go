package tree

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// ErrNoCompliantTarget is wrapped by the error of a call if section compliance allows no target for
// the request.
var ErrNoCompliantTarget = errors.New("policy: compliance allows no target for this request")

// callState is the state of one call that the layers of a policy with budgets, compliance or
// experiments share. It is the context of the call, so that each layer can find it.
type callState struct {
	context.Context
	chain *chain

	mu       sync.Mutex
	attempts int  // that reached a model and failed, where budgets are bounded; guarded by mu
	unpaid   int  // targets that a budget refused; guarded by mu
	spent    bool // a budget had no place for the price of a target; guarded by mu
	denied   int  // targets that compliance denied; guarded by mu
	begun    bool // the primary has been called, where that matters; guarded by mu

	overflown bool // the request was too long for a target, where requests are trimmed; guarded by mu
}

type stateKey struct{}

// Value implements context.Context.
func (c *callState) Value(key any) any {
	if key == (stateKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// stateOf returns what is known of a call; nil for a small request, which nobody has made.
func stateOf(ctx context.Context) *callState {
	state, _ := ctx.Value(stateKey{}).(*callState)
	return state
}

// isPing reports whether a call is a small request of warm_standby. Every other call of a
// policy with that section, or with budgets, has a state.
func isPing(ctx context.Context) bool { return stateOf(ctx) == nil }

// broke reports whether a budget is why no model was called.
func (c *callState) broke() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unpaid > 0 && c.attempts == 0
}

// outOfBudget reports whether a budget had no place for the price of a target.
func (c *callState) outOfBudget() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent
}

// count notes how the call of a target has failed.
func (c *callState) count(ctx context.Context, err error) {
	unpaid, spent := byBudget(err)
	_, called := errors.AsType[*stream.AttemptError](err)
	refused := !called && stream.VerdictOf(ctx, err).Kind == middleware.KindRefused
	c.mu.Lock()
	defer c.mu.Unlock()
	if !refused {
		c.attempts++
	} else if unpaid {
		c.unpaid++
		c.spent = c.spent || spent
	}
}

// byBudget reports whether an error, or one of those that it joins, is the refusal of a
// budget, and whether one of these had no place for the price of a target. A cascade joins
// those of its models.
func byBudget(err error) (unpaid, spent bool) {
	switch err := err.(type) {
	case *middleware.RefusedError:
		if err.By == "budget" {
			return true, !err.Until.IsZero()
		}
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			one, all := byBudget(cause)
			unpaid, spent = unpaid || one, spent || all
		}
	case interface{ Unwrap() error }:
		return byBudget(err.Unwrap())
	}
	return unpaid, spent
}

// begin notes that the primary is called, and reports whether this is the first
// time.
func (c *callState) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.begun
	c.begun = true
	return first
}

// hasBegun reports whether the primary has been called.
func (c *callState) hasBegun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun
}

// deny counts a target that compliance denied. c may be nil.
func (c *callState) deny() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied++
}

// explain returns the error of a call as its caller should read it. c may be nil.
func (c *callState) explain(err error) error {
	if c == nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied > 0 && onlyDenied(err) {
		return fmt.Errorf("%w: %w", ErrNoCompliantTarget, err)
	}
	return err
}

// onlyDenied reports whether nothing but compliance, and conditions that were
// not met, stood in the way of a call.
func onlyDenied(err error) bool {
	switch err := err.(type) {
	case *middleware.RefusedError:
		return err.By == "compliance" || err.By == "condition"
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			if !onlyDenied(cause) {
				return false
			}
		}
		return true
	}
	return false
}

// tooLong notes that the request was too long for a target.
func (c *callState) tooLong() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.overflown = true
}

// wasTooLong reports whether the request was too long for a target.
func (c *callState) wasTooLong() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.overflown
}
