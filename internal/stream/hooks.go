package stream

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// told is a pending call of OnAttempt.
type told struct {
	hook    func(context.Context, call.Attempt)
	attempt call.Attempt
}

// hooked is a part of a call with hooks.
type hooked struct {
	*call.Hooks
	outer *hooked
}

// ending is a pending call of OnFallback and OnEnd.
type ending struct {
	hooks  *call.Hooks
	began  time.Time // when the part was run first
	result call.Result
}

// Observe runs do, a router's or a policy's part of the call, and calls its hooks.
// OnFallback and OnEnd are called at the end of the call, because an outer layer may run
// the same part again. first names the part's first target. If the consumer panics, the part
// ends as if the consumer had stopped.
func (s *Sink) Observe(ctx context.Context, hooks *call.Hooks, first string, do func() error) (err error) {
	if hooks.OnAttempt == nil && hooks.OnFallback == nil && hooks.OnEnd == nil {
		return do()
	}
	began := time.Now()
	outermost := s.Root == "" || s.Root == first
	outer := s.hooks
	s.hooks = s.spareHooked()
	*s.hooks = hooked{hooks, outer}
	defer func() {
		s.hooks = outer
		if outermost && s.Root != "" {
			first = s.Root // which an experiment may have chosen
		}
		s.observed(ctx, hooks, first, began, err)
	}()
	return do()
}

// observed keeps the result of a part that has ended with err for OnFallback and OnEnd.
func (s *Sink) observed(ctx context.Context, hooks *call.Hooks, first string, began time.Time, err error) {
	end := ending{hooks: hooks, began: began}
	end.result.Outcome = call.Cancelled
	switch {
	case err == nil && s.Final:
		end.result.Metadata, end.result.Outcome = s.metadata(first), call.OK
	case hasLost(ctx):
		return // the hedge goes on
	case err != nil && !isCallers(ctx):
		cause := s.Cause()
		cause.describe(&end.result.Metadata, first, "")
		end.result.Outcome = call.Failed
	}
	r := s.record
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.isClosed() {
		if i := slices.IndexFunc(r.ends, func(e ending) bool { return e.hooks == hooks }); i >= 0 {
			end.began = r.ends[i].began
			r.ends = slices.Delete(r.ends, i, i+1)
		}
		r.ends = append(r.ends, end)
	}
}

// isCallers reports whether the caller has ended ctx: then no answer is missing.
func isCallers(ctx context.Context) bool {
	if ctx.Err() == nil {
		return false
	}
	_, ours := Ended(ctx).(decider)
	return !ours
}

// hasLost reports whether a hedge has ended ctx, because another of its models has won.
func hasLost(ctx context.Context) bool {
	if ctx.Err() == nil {
		return false
	}
	cause, ours := Ended(ctx).(decider)
	return ours && cause.Verdict().Kind == KindHedgeLost
}

// tellEnd calls OnFallback and OnEnd for the whole call.
func (s *Sink) tellEnd() {
	s.tellHooks()
	r := s.record
	for _, e := range r.ends { // not used by other goroutines any more
		end := r.last // the consumer may hold the answer for long: ADK runs tools meanwhile
		if end.IsZero() {
			end = time.Now()
		}
		e.result.Duration = end.Sub(e.began)
		if !r.first.IsZero() {
			e.result.FirstContent = max(r.first.Sub(e.began), 1)
		}
		if e.hooks.OnEnd != nil || e.result.Triggered && e.hooks.OnFallback != nil {
			e.result.Attempts, e.result.AttemptsDropped = s.Attempts()
		}
		if e.result.Triggered && e.hooks.OnFallback != nil {
			contained(func() { e.hooks.OnFallback(r.ctx, e.result.Metadata) })
		}
		if e.hooks.OnEnd != nil {
			contained(func() { e.hooks.OnEnd(r.ctx, e.result) })
		}
	}
}

// tellHooks runs the pending calls of hooks, if s is used on the caller's goroutine.
func (s *Sink) tellHooks() {
	if s.apart {
		return
	}
	for r := s.record; ; {
		r.mu.Lock()
		tell := r.tell
		r.tell = nil
		r.mu.Unlock()
		if len(tell) == 0 {
			return
		}
		for i := range tell {
			contained(func() { tell[i].hook(r.ctx, tell[i].attempt) })
		}
	}
}

// contained calls f, a hook of the application, and logs its panic.
func contained(f func()) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("fallback: a hook panicked", "panic", panics.Text(p))
		}
	}()
	f()
}
