package turn

import (
	"context"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// choice is what an outer loop decided for one agent: the model to ask is
// metadata.FallbackModel, and the rest tells what has happened so far.
type choice struct {
	agent, branch string
	metadata      call.Metadata
}

type choicesKey struct{}

// Choose returns a context in which the given agent's calls go to
// md.FallbackModel. Choices for other agents that ctx carries stay.
func Choose(ctx context.Context, agent, branch string, md call.Metadata) context.Context {
	earlier, _ := ctx.Value(choicesKey{}).([]choice)
	choices := slices.DeleteFunc(slices.Clone(earlier), func(c choice) bool {
		return c.agent == agent && c.branch == branch
	})
	return context.WithValue(ctx, choicesKey{}, append(choices, choice{agent, branch, md}))
}

// chosen returns the outer loop's choice for the agent that ctx belongs to. The
// branch tells parallel runs of one agent apart; it is ignored when either side
// has none, because a repeated run may start directly at the agent.
func chosen(ctx Context) (call.Metadata, bool) {
	choices, _ := ctx.Value(choicesKey{}).([]choice)
	if len(choices) == 0 {
		return call.Metadata{}, false
	}
	agent, branch := ctx.AgentName(), ctx.Branch()
	for _, c := range choices {
		if c.agent == agent && (c.branch == branch || c.branch == "" || branch == "") {
			return c.metadata, true
		}
	}
	return call.Metadata{}, false
}
