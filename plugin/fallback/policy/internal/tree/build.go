package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/adk-fallback/adk-fallback/internal/catalog"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/app"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/facts"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/flags"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/stack"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// builder builds the tree of one policy.
type builder struct {
	ctx     context.Context
	policy  *spec.Policy
	app     *app.Config
	before  Kept // left by an earlier build
	kept    Kept // left by this build
	inUse   bool // before belongs to the same policy
	bounded bool // dollars are limited
	flags   *flags.Flags
	stacks  stack.Builder

	known    spec.Known
	problems []spec.Problem
}

// Build builds the tree of p, and returns the state that a later build can take over. It
// takes over the parts of before that fit, and does not change before.
func Build(ctx context.Context, p *spec.Policy, a *app.Config, before Kept) (*Tree, Kept, error) {
	return newBuilder(ctx, p, a).build(before)
}

// BuildChain builds the tree of another chain of a policy that is in use. It shares the state
// of that policy, and opens no server.
func BuildChain(ctx context.Context, p *spec.Policy, a *app.Config, used Kept) (*Tree, Layers, error) {
	b := newBuilder(ctx, p, a)
	b.inUse = true
	t, kept, err := b.build(used)
	kept.CloseNew(used) // a cache, if that of the policy is closed
	return t, kept.Layers, err
}

func (b *builder) build(before Kept) (*Tree, Kept, error) {
	b.before, b.stacks.Before = before, before.stacks
	b.problems = spec.Check(b.policy, b.app.Known())
	if strictyaml.HasErrors(b.problems) {
		return nil, Kept{}, &spec.Error{Problems: b.problems}
	}
	t, err := b.tree()
	if strictyaml.HasErrors(b.problems) {
		err = &spec.Error{Problems: strictyaml.InOrder(b.problems)}
	}
	if err != nil {
		b.kept.CloseNew(before)
		return nil, Kept{}, err
	}
	b.warnings()
	b.kept.stacks = b.stacks.Built
	return t, b.kept, nil
}

func newBuilder(ctx context.Context, p *spec.Policy, a *app.Config) *builder {
	b := &builder{ctx: ctx, policy: p, app: a, known: catalog.Known()}
	b.known.Model = a.HandsIn
	b.flags = flags.New(p, a.Flags, func(ctx context.Context) bool { return p.WarmStandby != nil && isPing(ctx) })
	b.stacks = stack.Builder{Policy: p, App: a, Report: b.err, Small: isPing}
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
		b.app.Logger.Warn("policy: " + p.String())
	}
}

// tree builds the tree. It returns nil if a problem was reported.
func (b *builder) tree() (*Tree, error) {
	b.state()
	if err := errors.Join(b.cache(), b.budget()); err != nil {
		return nil, err
	}
	b.stacks.Shared, b.stacks.SharedID = b.kept.state(), b.kept.sharingID()
	if b.bounded {
		b.stacks.Purse = b.kept.purse
	}
	p, config := b.policy, b.routing()
	t := &Tree{Policy: p, facts: facts.Of(p), Shared: b.kept.state()}
	ch := &chain{
		arms: map[string][]stream.Layer{}, restarts: p.Stream == nil || config.MidStream == router.Restart,
		stateful: b.bounded || p.Compliance != nil || len(p.Experiments) > 0 || b.trims(),
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
	ch.fallback = b.warmed(b.previewed(stream.Of(fallback)), ch)
	if strictyaml.HasErrors(b.problems) {
		return nil, nil
	}
	t.Primary, t.root = primary, ch
	if b.kept.cache != nil {
		t.root, err = b.cached(t.root)
	}
	return t, err
}
