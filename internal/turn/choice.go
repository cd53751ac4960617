package turn

import (
	"context"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// choice is an outer loop's decision for one agent: metadata.FallbackModel is the model
// to call, and the other fields are the failures so far.
type choice struct {
	agent, branch string
	metadata      call.Metadata
}

// outer is an outer loop's state in the context of a run.
type outer struct {
	choices []choice
	repeat  *repeat // nil unless Loop runs it
}

type outerKey struct{}

// outerOf returns nil if ctx carries nothing.
func outerOf(ctx context.Context) *outer {
	o, _ := ctx.Value(outerKey{}).(*outer)
	return o
}

// Choose returns a context in which the given agent's calls go to md.FallbackModel. It
// keeps the choices for other agents in ctx.
func Choose(ctx context.Context, agent, branch string, md call.Metadata) context.Context {
	next := &outer{}
	if earlier := outerOf(ctx); earlier != nil {
		next.repeat = earlier.repeat
		next.choices = slices.DeleteFunc(slices.Clone(earlier.choices), func(c choice) bool {
			return c.agent == agent && c.branch == branch
		})
	}
	next.choices = append(next.choices, choice{agent, branch, md})
	return context.WithValue(ctx, outerKey{}, next)
}

// chosen returns the outer loop's choice for the agent that ctx belongs to. The
// branch tells parallel runs of one agent apart; it is ignored when either side
// has none, because a repeated run may start directly at the agent.
func (o *outer) chosen(ctx Context) (call.Metadata, bool) {
	if o == nil || len(o.choices) == 0 {
		return call.Metadata{}, false
	}
	agent, branch := ctx.AgentName(), ctx.Branch()
	for _, c := range o.choices {
		if c.agent == agent && (c.branch == branch || c.branch == "" || branch == "") {
			return c.metadata, true
		}
	}
	return call.Metadata{}, false
}
