package policy

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// ErrNoLegalTarget says that compliance lets no target see the request. The
// error of such a call wraps it and the reasons, target by target.
var ErrNoLegalTarget = errors.New("policy: compliance lets no target see this request")

// callState is what the steps of one call know of each other. It is a context,
// because that is how it gets to them, for one allocation a call.
type callState struct {
	context.Context
	chain *chain
	first attempt // most calls make no other

	mu       sync.Mutex
	last     *ended // the attempt that the next condition speaks of; nil for none; guarded by mu
	chosen   *step  // its condition has been found true already; guarded by mu
	attempts int    // that reached a model; guarded by mu
	illegal  int    // targets that compliance denied; guarded by mu
	unpaid   int    // targets that a budget refused; guarded by mu
	begun    bool   // the primary has been asked, where that matters; guarded by mu
}

// ended is an attempt that is over.
type ended struct {
	step *step // nil for a call whose time is over
	vars condition.Vars
}

type stateKey struct{}

// Value implements context.Context.
func (c *callState) Value(key any) any {
	if key == (stateKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func stateOf(ctx context.Context) *callState {
	state, ok := ctx.Value(stateKey{}).(*callState)
	if !ok {
		panic("policy: a step outside of its chain") // which only this package can build
	}
	return state
}

// choose notes that the condition of s was true: its answer does not change
// because the attempt that it spoke of has ended since.
func (c *callState) choose(s *step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chosen = s
}

// enter starts an attempt at s, or returns why the call does not move on to it. A
// call that begins at s, as later ones of a turn may, asks nothing.
func (c *callState) enter(ctx context.Context, s *step, req *model.LLMRequest) (a *attempt, why string) {
	c.mu.Lock()
	last, free, number := c.last, s.when == nil || c.last == nil || c.chosen == s, c.attempts+1
	if a = &c.first; a.step != nil {
		a = &attempt{}
	}
	a.step, a.state, a.req, a.number = s, c, req, number
	c.mu.Unlock()
	if free {
		return a, ""
	}
	of := last.step
	if of == nil {
		of = s
	}
	switch yes, err := of.ask(ctx, s.when, last.vars, req); {
	case err != nil:
		return nil, fmt.Sprintf("condition %q has no answer", s.when)
	case !yes:
		return nil, fmt.Sprintf("condition %q is false", s.when)
	}
	return a, ""
}

// leave notes how an attempt has failed. One that reached no model does not
// displace one that did: conditions speak of attempts.
func (c *callState) leave(ctx context.Context, a *attempt, err error) {
	v := a.vars(ctx, err)
	by, _ := errors.AsType[*middleware.RefusedError](err)
	refused := v.ErrorKind == string(middleware.KindRefused) && !asked(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !refused && !a.step.group {
		c.attempts++
	}
	if refused && by != nil && by.By == "budget" && !a.started.IsZero() {
		c.unpaid++
	}
	if !refused || c.last == nil {
		c.last = &ended{a.step, v}
	}
}

// asked reports whether a model was called.
func asked(err error) bool {
	_, yes := errors.AsType[*stream.AttemptError](err)
	return yes
}

// broke reports whether a budget is why no model was asked.
func (c *callState) broke() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unpaid > 0 && c.attempts == 0
}

// asksPrimary notes that the primary is asked, and reports whether this is the
// first time.
func (c *callState) asksPrimary() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.begun
	c.begun = true
	return first
}

// askedPrimary reports whether the primary has been asked.
func (c *callState) askedPrimary() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun
}

// deny counts a target that compliance denied.
func (c *callState) deny() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.illegal++
}

// explain returns the error of a call as its caller should read it.
func (c *callState) explain(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.illegal > 0 && c.attempts == 0 && onlyIllegal(err) {
		return fmt.Errorf("%w: %w", ErrNoLegalTarget, err)
	}
	return err
}

// onlyIllegal reports whether nothing but compliance, and conditions that were
// not met, stood in the way of a call.
func onlyIllegal(err error) bool {
	switch err := err.(type) {
	case *middleware.RefusedError:
		return err.By == "compliance" || err.By == "condition"
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			if !onlyIllegal(cause) {
				return false
			}
		}
		return true
	}
	return false
}
