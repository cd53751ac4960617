package policy

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// builder builds the tree of one policy.
type builder struct {
	ctx     context.Context
	policy  *spec.Policy
	options *options
	before  kept // left by an earlier build
	kept    kept // left by this build
	bounded bool // dollars are limited

	known    spec.Known
	problems []spec.Problem
}

// kept is the state that outlives a tree.
type kept struct {
	stacks []stack
	splits []split
	cache  *middleware.Cache
	caches cacheSettings // of cache
	purse  *middleware.Budget
	turns  *turns // for which a soft limit has decided
}

// errReported stands for an error that is already among the builder's problems.
var errReported = errors.New("policy: reported")

// build builds the tree of p, and returns the state that a later build can take over. It
// takes over the parts of before that fit, and does not change before.
func build(ctx context.Context, p *spec.Policy, o *options, before kept) (*tree, kept, error) {
	b := &builder{ctx: ctx, policy: p, options: o, before: before, known: spec.Known{Model: o.handsIn}}
	b.problems = spec.Check(p, o.known())
	if strictyaml.HasErrors(b.problems) {
		return nil, kept{}, &spec.Error{Problems: strictyaml.InOrder(b.problems)}
	}
	t, err := b.tree()
	switch {
	case strictyaml.HasErrors(b.problems):
		err = &spec.Error{Problems: strictyaml.InOrder(b.problems)}
	case err == nil:
		err = b.open()
	}
	if err != nil {
		b.closeCache()
		return nil, kept{}, err
	}
	b.warnings()
	return t, b.kept, nil
}

// err reports a mistake in the value at path.
func (b *builder) err(path, message string) {
	b.problems = append(b.problems, b.policy.Problem(spec.SeverityError, path, message))
}

// warnings logs the warnings about a policy that comes into use. For a policy that cannot be
// built, they are in the error.
func (b *builder) warnings() {
	for _, p := range b.problems {
		b.options.logger.Warn("policy: " + p.String())
	}
}

// tree builds the tree. It returns nil if a problem was reported.
func (b *builder) tree() (*tree, error) {
	if err := errors.Join(b.cache(), b.budget()); err != nil {
		return nil, err
	}
	p := b.policy
	ch := &chain{restarts: true, arms: map[string][]stream.Layer{}}
	t := &tree{policy: p, facts: facts{context: p.Context}, hooks: b.options.hooks}
	config := router.Config{}
	if p.Stream != nil {
		config.MidStream = router.MidStream(p.Stream.MidStream)
		ch.restarts = config.MidStream == router.Restart
	}
	if p.Errors != nil {
		config.FallbackOnContentPolicy = p.Errors.ContentPolicy == "fallback"
	}
	if p.Priority != nil {
		t.facts.class = p.Priority.From
	}
	if p.Timeouts != nil {
		t.total = p.Timeouts.Total
		ch.timed = t.total > 0
	}
	if p.Budgets != nil {
		t.longest = p.Budgets.MaxInputTokens
	}
	targets, primary := b.targets(ch)
	if strictyaml.HasErrors(b.problems) {
		return nil, nil
	}
	fallback, err := router.NewFallback(config, targets...)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	ch.fallback = stream.Of(fallback)
	t.primary, t.root = primary, ch
	if b.kept.cache != nil {
		t.root, err = b.cached(t.root)
	}
	return t, err
}

// targets returns the chain, and the model of its first target.
func (b *builder) targets(ch *chain) (targets []model.LLM, primary model.LLM) {
	var steps []*step
	var first *step
	for i, t := range b.policy.Chain() {
		s, llm := b.step(t, ch)
		if i == 0 {
			first, primary = s, llm
		}
		if t.Hedge != nil {
			beside, _ := b.step(*t.Hedge, ch)
			s = b.hedge(s, beside)
		}
		steps = append(steps, s)
	}
	if strictyaml.HasErrors(b.problems) {
		return nil, nil
	}
	for i, s := range steps {
		if i+1 < len(steps) {
			s.next = steps[i+1]
		}
	}
	steps = comeBack(steps, first)
	for _, s := range steps {
		targets = append(targets, router.Describe(s.layer(), b.traits(s.target)))
	}
	return targets, primary
}

// step returns the step of a target, and the model behind it.
func (b *builder) step(t spec.Target, ch *chain) (s *step, llm model.LLM) {
	s = &step{target: t, when: t.Condition.Compiled(), cost: b.cost(t), spare: b.spareWhen(t)}
	if b.kept.cache != nil {
		s.hit = b.hit
	}
	if b.policy.Errors != nil {
		s.codes = b.policy.Errors.Codes
	}
	switch {
	case t.LastResort():
		s.inner = b.lastResort(t)
		ch.lastResort = append(ch.lastResort, s.layer())
	case t.Experiment != "":
		s.inner, llm = b.experiment(t, ch)
	default:
		s.inner, llm = b.target(t)
	}
	return s, llm
}

// hedge combines two steps into a hedge, and returns the step for it. That step has neither
// a condition nor spare: each of the two steps evaluates its own.
func (b *builder) hedge(first, second *step) *step {
	if strictyaml.HasErrors(b.problems) {
		return first
	}
	h := b.policy.Hedge
	first.next = second
	config := router.HedgeConfig{Delay: h.Delay, MinDelay: h.MinDelay, MaxExtraLoad: float64(h.MaxExtraLoad)}
	hedge, err := router.NewHedge(config, first.layer(), second.layer())
	if err != nil {
		b.err("hedge", err.Error())
		return first
	}
	return &step{target: first.target, inner: stream.Of(hedge), group: true, codes: first.codes, cost: first.cost, hit: first.hit}
}

// window returns the context window of a model in tokens, 0 if it is unknown.
func (b *builder) window(r spec.Resolved) int {
	if r.Settings.ContextWindow > 0 || b.known.HandsIn(r) {
		return r.Settings.ContextWindow
	}
	window, _ := price.Window(r.ID)
	return window
}

// traits returns the traits of a target for the router.
func (b *builder) traits(t spec.Target) router.Traits {
	if t.LastResort() {
		return router.Traits{}
	}
	traits := router.Traits{Provider: t.Server(), Credential: b.known.Credential(t), ContextWindow: b.window(t.Resolved)}
	if b.known.HandsIn(t.Resolved) {
		traits.Provider = ""
	}
	for _, can := range t.Settings.Capabilities {
		traits.Prefill = traits.Prefill || can == "prefill"
	}
	return traits
}
