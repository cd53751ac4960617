package tree

import (
	"context"
	"errors"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

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

// First implements stream.Leader.
func (ch *chain) First(ctx context.Context) (context.Context, stream.Layer) {
	ctx, _ = ch.begin(ctx)
	return ctx, ch.fallback
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

// atLast returns an answer of last resort to a call whose time is over. Such an answer takes
// no time.
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

// Inspect returns the tree of the chain, with the arms of its experiments.
func (ch *chain) Inspect() inspect.Node {
	n := inspect.Of(ch.fallback)
	for n := range n.All() {
		if n.Split == nil {
			continue
		}
		if arms := ch.arms[n.Split.Experiment]; arms != nil {
			n.Inner = inspect.Each(arms...) // the split itself has only their places
		}
	}
	return n
}
