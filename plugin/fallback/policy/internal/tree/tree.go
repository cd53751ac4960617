// Package tree turns a policy into a [Tree], the model that answers its calls. [Build] combines
// the models of package stack with layers of packages router, cascade, cache, degrade and guard.
// It takes over the state that an earlier tree has [Kept], such as the spending of tenants.
//
// What a layer does belongs to its own package. This package has only layers that depend on
// several sections of a policy; they share the state of a call, see callState.
package tree

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/deadline"
	"github.com/adk-fallback/adk-fallback/internal/duration"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/facts"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Tree is a policy in the form in which it answers calls:
//
//	tree → flags → cache → chain → fallback ┬ guards → stack of the primary
//	                                        ├ when → guards → stack of a fallback
//	                                        └ when → template-response
//
// It is immutable but for what its parts keep, and safe for concurrent use.
type Tree struct {
	Policy  *spec.Policy
	Primary model.LLM     // as it was handed in or built: ADK may ask for its optional methods
	Shared  *state.Shared // of section state; nil without
	Hooks   call.Hooks    // to be set before the first call

	root    stream.Layer
	facts   facts.Sources
	total   time.Duration // 0 for no limit
	longest int           // input tokens; 0 for no limit
}

// Name implements model.LLM.
func (t *Tree) Name() string { return t.root.Name() }

// GenerateContent implements model.LLM.
func (t *Tree) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(t, ctx, req, streamed)
}

// Do implements stream.Layer.
func (t *Tree) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	return out.Observe(ctx, &t.Hooks, t.Name(), func() error { return t.do(ctx, req, streamed, out) })
}

func (t *Tree) do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	if t.longest > 0 {
		if length := tokens.Estimate(req); length > t.longest {
			refused := &middleware.RefusedError{By: "budget", Model: t.Name(), Reason: fmt.Sprintf("the request has about %d tokens, more than budgets.max_input_tokens, %d", length, t.longest)}
			out.Skip(refused)
			return refused
		}
	}
	ctx, end := out.Limit(ctx, deadline.Limits{Total: t.total, Why: func(phase string, limit time.Duration) error {
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

// Inspect returns the tree of the policy.
func (t *Tree) Inspect() inspect.Node { return inspect.Of(t.root) }
