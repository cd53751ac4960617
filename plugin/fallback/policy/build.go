package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/catalog"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/facts"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/flags"
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
	flags   *flags.Flags

	known    spec.Known
	problems []spec.Problem
}

// kept is the state that outlives a tree.
type kept struct {
	stacks []stack
	splits []split
	cache  *cache.Cache
	caches cacheSettings // of cache
	purse  *middleware.Budget
	turns  *turns // for which a soft limit has decided

	sharing *sharing // nil without section state
	opened  int      // servers of section state so far
	replica string   // the name of this replica on all of them; see builder.state

	trimmers []trimmer
}

// errReported stands for an error that is already among the builder's problems.
var errReported = errors.New("policy: reported")

// build builds the tree of p, and returns the state that a later build can take over. It
// takes over the parts of before that fit, and does not change before.
func build(ctx context.Context, p *spec.Policy, o *options, before kept) (*tree, kept, error) {
	b := newBuilder(ctx, p, o)
	b.before = before
	b.problems = spec.Check(p, o.known())
	if strictyaml.HasErrors(b.problems) {
		return nil, kept{}, &spec.Error{Problems: b.problems}
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
		b.closeState()
		return nil, kept{}, err
	}
	b.warnings()
	return t, b.kept, nil
}

func newBuilder(ctx context.Context, p *spec.Policy, o *options) *builder {
	b := &builder{ctx: ctx, policy: p, options: o, known: catalog.Known()}
	b.known.Model = o.handsIn
	b.flags = flags.New(p, o.flags, func(ctx context.Context) bool { return isPing(ctx, p) })
	return b
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
	b.state()
	if err := errors.Join(b.cache(), b.budget()); err != nil {
		return nil, err
	}
	p := b.policy
	ch := &chain{restarts: true, arms: map[string][]stream.Layer{}, stateful: b.bounded || p.Compliance != nil || len(p.Experiments) > 0 || b.trims()}
	t := &tree{policy: p, facts: facts.Sources{Context: p.Context}, shared: b.kept.state(), resumes: p.Preview == nil && !(p.Stream != nil && p.Sets("stream.mid_stream"))}
	config := router.Config{}
	if p.Stream != nil {
		config.MidStream = router.MidStream(p.Stream.MidStream)
		ch.restarts = config.MidStream == router.Restart
	}
	if p.Errors != nil {
		config.FallbackOnContentPolicy = p.Errors.ContentPolicy == "fallback"
	}
	if p.Priority != nil {
		t.facts.Priority = p.Priority.From
	}
	if p.Timeouts != nil {
		t.total = p.Timeouts.Total
		ch.timed = t.total > 0
	}
	if p.Budgets != nil {
		t.longest = p.Budgets.MaxInputTokens
	}
	config.Judge = judge(p.Errors)
	b.switching(&config)
	targets, primary := b.targets(ch)
	if strictyaml.HasErrors(b.problems) {
		return nil, nil
	}
	fallback, err := router.NewFallback(config, targets...)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	ch.fallback = b.warmed(b.previewed(stream.Of(fallback)), ch)
	if strictyaml.HasErrors(b.problems) {
		return nil, nil
	}
	t.primary, t.root = primary, ch
	if b.kept.cache != nil {
		t.root, err = b.cached(t.root)
	}
	return t, err
}

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
