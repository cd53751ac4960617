package policy

import (
	"maps"
	"math"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// place returns what answers at a target's place in the chain: its model, or the
// arms of an experiment with it.
func (b *builder) place(t Target) (stream.Layer, model.LLM) {
	for _, id := range slices.Sorted(maps.Keys(b.policy.Experiments)) {
		e := b.policy.Experiments[id]
		name := e.Target
		if name == "" {
			name = b.policy.Primary
		}
		if b.policy.canonical(name) == t.Model {
			return b.experiment(id, &e, t)
		}
	}
	return b.target(t)
}

// experiment returns the arms in the place of t, whose time limits they have.
func (b *builder) experiment(id string, e *Experiment, t Target) (stream.Layer, model.LLM) {
	config := router.SplitConfig{
		Experiment: id, By: router.SplitBy(e.StickyBy), MaxDrift: float64(e.MaxDrift), MinCalls: e.MinCalls, Window: e.Window,
		OnRollback: func(r router.Rollback) {
			b.options.logger.Warn("policy: an arm of an experiment is taken out", "experiment", id, "rollback", r)
		},
	}
	var control model.LLM
	for i, arm := range e.Arms {
		at := t
		if i > 0 {
			at.Resolved = b.policy.Resolve(arm.Model)
			at.path = join(index(join(join("experiments", id), "arms"), i), "model")
		}
		layer, llm := b.target(at)
		if layer == nil {
			continue
		}
		if i == 0 {
			control = llm
		}
		config.Arms = append(config.Arms, router.Arm{Cohort: arm.Cohort, Weight: int(math.Round(float64(arm.Share) * 1e6)), Model: layer})
	}
	if len(config.Arms) < len(e.Arms) {
		return nil, nil
	}
	split, err := router.NewSplit(config)
	if err != nil {
		b.err(join("experiments", id), err.Error(), "an experiment that can be built")
		return nil, nil
	}
	return stream.Of(split), control
}
