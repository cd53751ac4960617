package tree

import (
	"context"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/rate"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// guarded puts the guards of a target around its model; inner itself if there are
// none.
//
// Guards stand around each model, not before the chain, so that each target is
// checked whichever way a call gets to it: as a fallback, in a hedge, or as the
// arm of an experiment.
func (b *builder) guarded(inner stream.Layer, t spec.Target) stream.Layer {
	return b.guardedBy(inner, t, b.known.ContextWindow(t.Resolved))
}

// guardedBy is guarded for a target with that context window, 0 for none.
func (b *builder) guardedBy(inner stream.Layer, t spec.Target, window int) stream.Layer {
	guards := []guard.Guard{b.compliance(), b.flags.Guard(t.Resolved), b.payer(t.Resolved)}
	if t.Settings.Tools != nil {
		guards = append(guards, guard.Tools(t.Settings.Tools...))
	}
	if t.Settings.Capabilities != nil {
		guards = append(guards, guard.Capabilities)
	}
	if window > 0 {
		guards = append(guards, guard.ContextWindow)
	}
	guards = slices.DeleteFunc(guards, func(g guard.Guard) bool { return g == nil })
	if len(guards) == 0 {
		return inner
	}
	return stream.Of(guard.Around(inner, guard.Target{
		Name: t.Name, Aliases: []string{t.Model}, Region: t.Settings.Region, Capabilities: t.Settings.Capabilities, ContextWindow: window,
	}, guards...))
}

// compliance returns the guard for the rules, nil if there are none. Answers of last
// resort have none: data does not leave the process with them.
func (b *builder) compliance() guard.Guard {
	if b.policy.Compliance == nil {
		return nil
	}
	rules := make([]guard.Rule, len(b.policy.Compliance.Rules))
	for i, r := range b.policy.Compliance.Rules {
		rules[i] = guard.Rule{
			Tenants: r.Tenants, DataClasses: r.DataClasses, DataRegions: r.DataRegions, Targets: r.Targets, Regions: r.Regions, Redact: r.Otherwise == "redact",
		}
	}
	comply := guard.Compliance(rules...)
	return func(ctx context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
		seen, err := comply(ctx, req, t)
		if err != nil {
			stateOf(ctx).deny()
		}
		return seen, err
	}
}

// payer returns the guard for budgets in dollars; nil without them. It refuses calls whose
// tenant cannot be read, because their budget is unknown. It also refuses calls to a free
// model once the tenant's budget is used up: then every call is refused or gets a last
// resort.
func (b *builder) payer(r spec.Resolved) guard.Guard {
	if !b.bounded {
		return nil
	}
	free, purse := rate.Of(r, b.maxOutput()).Free(), b.kept.purse
	return func(ctx context.Context, req *model.LLMRequest, _ guard.Target) (*model.LLMRequest, error) {
		if stateOf(ctx) == nil {
			return req, nil // a small request, which no tenant pays for
		}
		if guard.Unread(ctx)&guard.Tenant != 0 {
			return nil, &middleware.RefusedError{By: "budget", Reason: "the tenant, whose budget it is, cannot be read from the session"}
		}
		switch {
		case !free:
		case purse.Share(call.From(ctx).Tenant) >= 1:
			return nil, &middleware.RefusedError{By: "budget", Reason: "the day's budget is used up"}
		case stateOf(ctx).outOfBudget():
			return nil, &middleware.RefusedError{By: "budget", Reason: "the call does not fit the day's budget, and a model that costs nothing does not answer instead"}
		}
		return req, nil
	}
}
