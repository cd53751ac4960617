package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/duration"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/facts"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// tree is a policy in the form in which it answers calls:
//
//	tree → flags → cache → chain → fallback ┬ guards → retry → validate → breaker → limit → timeout → budget → model
//	                                        ├ when → …
//	                                        └ when → template-response
//
// It is immutable but for what its parts keep, and safe for concurrent use.
type tree struct {
	policy  *spec.Policy
	root    stream.Layer
	primary model.LLM // as it was handed in or built: ADK may ask for its optional methods
	facts   facts.Sources
	total   time.Duration // 0 for no limit
	longest int           // input tokens; 0 for no limit
	hooks   call.Hooks
	shared  *state.Shared // of section state; nil without
	resumes bool          // an answer that is cut off is resumed for a consumer that cannot take text back
}

// Name implements model.LLM.
func (t *tree) Name() string { return t.root.Name() }

// GenerateContent implements model.LLM.
func (t *tree) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(t, ctx, req, streamed)
}

// Do implements stream.Layer.
func (t *tree) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	return out.Observe(ctx, &t.hooks, t.Name(), func() error { return t.do(ctx, req, streamed, out) })
}

func (t *tree) do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if t.longest > 0 {
		if length := tokens.Estimate(req); length > t.longest {
			refused := &middleware.RefusedError{By: "budget", Model: t.Name(), Reason: fmt.Sprintf("the request has about %d tokens, more than budgets.max_input_tokens, %d", length, t.longest)}
			out.Skip(refused)
			return refused
		}
	}
	ctx, end := out.Limit(ctx, stream.Limits{Total: t.total, Why: func(phase string, limit time.Duration) error {
		return &overdue{TimeoutError: failure.TimeoutError{Phase: phase, Limit: limit}}
	}})
	defer end()
	return t.root.Do(t.facts.Read(ctx), req, streamed, out)
}

// overdue ends a call that has used up its time. The model that it finds at work
// is not to blame.
type overdue struct {
	failure.TimeoutError
	attempts []call.Attempt // of the call, where its error is given to its caller
}

// Error lists the attempts: what took the time is the caller's next question.
func (e *overdue) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "policy: the time for the whole call is over: timeouts.total of %s passed", duration.Text(e.Limit))
	for _, a := range e.attempts {
		fmt.Fprintf(&text, "; %s: %s", a.Model, cmp.Or(a.Message, a.Reason))
	}
	return text.String()
}

// Unwrap lets errors.As find the TimeoutError.
func (e *overdue) Unwrap() error { return &e.TimeoutError }

// Verdict says what it means; package failure looks for it.
func (e *overdue) Verdict() failure.Verdict {
	v := e.TimeoutError.Verdict()
	v.Scope, v.Reason = failure.ScopeRequest, "the time for the whole call is over"
	return v
}

// resort is a last resort.
type resort struct {
	stream.Layer
	rule *router.Rule // nil for none
}

// chain is where a call starts to go from target to target.
type chain struct {
	fallback   stream.Layer
	lastResort []resort                  // the targets that take no time, in order
	arms       map[string][]stream.Layer // by experiment
	restarts   bool                      // a text that was shown may be taken back
	timed      bool                      // the time for a call is limited
	stateful   bool                      // its layers need a callState
}

// Name implements model.LLM.
func (ch *chain) Name() string { return ch.fallback.Name() }

// GenerateContent implements model.LLM.
func (ch *chain) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(ch, ctx, req, streamed)
}

// Do implements stream.Layer.
func (ch *chain) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	earlier := 0
	if ch.timed {
		earlier = recorded(out)
	}
	inner, state := ch.begin(ctx)
	err := ch.fallback.Do(inner, req, streamed, out)
	if err == nil {
		return nil
	}
	if late := (*overdue)(nil); errors.As(context.Cause(ctx), &late) {
		if !out.Final && !out.Stopped && (!out.Shown || ch.restarts && !out.Continuous) && ch.atLast(ctx, late, req, streamed, out) {
			return nil
		}
		if err == error(late) {
			err = &overdue{late.TimeoutError, attemptsAfter(earlier, out)}
		}
	}
	return state.explain(err)
}

// begin returns the context of a call, and its state; nil if no layer needs one.
func (ch *chain) begin(ctx context.Context) (context.Context, *callState) {
	if !ch.stateful {
		return ctx, nil
	}
	state := &callState{Context: ctx, chain: ch}
	return state, state
}

// recorded returns how many attempts the record of a call has had.
func recorded(out *stream.Sink) int {
	kept, dropped := out.Attempts()
	return len(kept) + dropped
}

// attemptsAfter returns the attempts in the record of a call but for so many that
// an outer router has made earlier.
func attemptsAfter(earlier int, out *stream.Sink) []call.Attempt {
	kept, dropped := out.Attempts()
	from := max(earlier-dropped, 0)
	if earlier > 0 && dropped > 0 {
		from = max(from, 1) // the first of all is always kept
	}
	return kept[from:]
}

// atLast gives an answer of last resort to a call whose time is over: that is
// what such answers are for, and they take none.
func (ch *chain) atLast(ctx context.Context, late *overdue, req *model.LLMRequest, streamed bool, out *stream.Sink) bool {
	over := router.Observation{Request: req, Latency: late.Limit, Err: late, Verdict: late.Verdict()}
	ctx, _ = ch.begin(context.WithoutCancel(ctx))
	for _, target := range ch.lastResort {
		if target.rule != nil {
			if yes, _ := target.rule.If(ctx, over); !yes {
				continue
			}
		}
		out.Restart()
		if target.Do(ctx, req, streamed, out) == nil {
			return true
		}
	}
	return false
}
