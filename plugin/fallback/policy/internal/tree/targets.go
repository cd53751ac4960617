package tree

import (
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// targets returns the chain, and the model of its first target.
func (b *builder) targets(ch *chain) (targets []model.LLM, primary model.LLM) {
	r := &rules{costs: map[string]func(*model.LLMRequest) float64{}}
	if b.kept.cache != nil {
		r.hit = b.hit
	}
	var back model.LLM // see wayBack
	last := 0          // place of the last model
	for i, t := range b.policy.Chain() {
		m, llm := b.place(t, r, ch)
		if i == 0 {
			primary, back = llm, b.wayBack(t, m)
		}
		if t.Hedge != nil {
			beside, _ := b.place(*t.Hedge, r, ch)
			m = b.hedge(m, beside)
		}
		if strictyaml.HasErrors(b.problems) {
			continue
		}
		if !t.LastResort() {
			last = i
		}
		targets = append(targets, router.Describe(m, b.traits(t)))
	}
	if strictyaml.HasErrors(b.problems) {
		return nil, nil
	}
	later := b.trimmedTargets(r)
	if back != nil {
		later = slices.Insert(later, 0, back)
	}
	targets = slices.Insert(targets, last+1, later...)
	return targets, primary
}

// place returns the target of an entry with its condition, and the model behind it;
// nil if that was reported as a problem.
func (b *builder) place(t spec.Target, r *rules, ch *chain) (target stream.Layer, llm model.LLM) {
	switch {
	case t.LastResort():
		target = b.lastResort(t)
	default:
		if target, llm = b.model(t, ch); target != nil && t.Cheap != nil {
			target = b.cascade(t, target, ch)
		}
	}
	if target == nil {
		return nil, nil
	}
	r.costs[target.Name()] = b.cost(t)
	rule := r.of(t)
	if t.LastResort() {
		ch.lastResort = append(ch.lastResort, resort{target, rule})
	}
	if b.trims() && !t.LastResort() {
		target = measured(target)
	}
	if b.bounded {
		target = &payable{Around: stream.Around{Inner: target}, spare: b.spareWhen(t), once: t.Spared}
	}
	if rule != nil {
		target = stream.Of(router.When(*rule, target))
	}
	return target, llm
}

// model returns the model of a target, or the arms of its experiment, with the layers around
// it, and the model itself; nil if that was reported as a problem.
func (b *builder) model(t spec.Target, ch *chain) (layer stream.Layer, llm model.LLM) {
	if t.Experiment != "" {
		return b.experiment(t, ch)
	}
	return b.target(t)
}

// target returns the model of a target with the layers and guards around it, and the model
// itself; nil if that was reported as a problem.
func (b *builder) target(t spec.Target) (stream.Layer, model.LLM) {
	s := b.stacks.Of(b.ctx, t)
	if s == nil {
		return nil, nil
	}
	return b.guarded(s.Timed(s.Layer), t), s.LLM
}

// hedge puts two targets into a hedge. Conditions and budgets concern each of them.
func (b *builder) hedge(first, second stream.Layer) stream.Layer {
	if strictyaml.HasErrors(b.problems) {
		return first
	}
	h := b.policy.Hedge
	hedge, err := router.NewHedge(router.HedgeConfig{Delay: h.Delay, MinDelay: h.MinDelay, MaxExtraLoad: float64(h.MaxExtraLoad)}, first, second)
	if err != nil {
		b.err("hedge", err.Error())
		return first
	}
	return stream.Of(hedge)
}

// traits returns the traits of a target for the router.
func (b *builder) traits(t spec.Target) router.Traits {
	if t.LastResort() {
		return router.Traits{}
	}
	traits := router.Traits{Tier: t.Settings.Tier, Provider: t.Server(), Credential: b.known.Credential(t), ContextWindow: b.known.ContextWindow(t.Resolved)}
	if b.known.HandsIn(t.Resolved) {
		traits.Provider = ""
	}
	if t.Cheap != nil { // what is true of both models
		cheap := b.traits(*t.Cheap)
		if cheap.Provider != traits.Provider {
			traits.Provider = ""
		}
		if cheap.Credential != traits.Credential {
			traits.Credential = ""
		}
	}
	for _, can := range t.Settings.Capabilities {
		traits.Prefill = traits.Prefill || can == "prefill"
	}
	return traits
}
