package tree

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/flags"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/rate"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// cost returns a function for the projected price of a request at a target; in an
// experiment or a cascade, at the most expensive model. It is nil if a price is unknown.
func (b *builder) cost(t spec.Target) func(*model.LLMRequest) float64 {
	if t.LastResort() {
		return nil
	}
	models := t.Models()
	if t.Cheap != nil {
		models = append(slices.Clone(models), t.Cheap.Models()...)
	}
	return rate.Dearest(models, b.maxOutput())
}

// maxOutput returns the policy's limit on answers, in tokens; 0 for none.
func (b *builder) maxOutput() int { return b.policy.Budgets.MaxOutput() }

// budget takes over or creates the purse, which counts the spending of tenants, if the
// policy limits it. The purse outlives policies; [Kept.Replace] gives it the limits of the
// next one. Each charged model has a tariff of its own, so that calls in progress keep their
// prices.
func (b *builder) budget() error {
	b.kept.purse, b.bounded = b.before.purse, b.policy.Budgets.Spending()
	if !b.bounded {
		return nil
	}
	s := b.policy.Budgets
	location, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return fmt.Errorf("policy: budgets.timezone: %w", err)
	}
	config := middleware.BudgetConfig{Price: noPrice, Limit: float64(s.USDPerDay), Limits: make(map[string]float64, len(s.Tenants)), Location: location}
	for tenant, t := range s.Tenants {
		config.Limits[tenant] = float64(t.USDPerDay)
	}
	purse, err := middleware.NewBudget(config) // also checks the limits for one that is taken over
	if err != nil {
		return fmt.Errorf("policy: budgets: %w", err)
	}
	b.kept.limits = &config
	if b.kept.purse == nil {
		b.kept.purse = purse
	}
	return nil
}

// noPrice is the price of a model without a tariff.
func noPrice(string, *model.LLMRequest) (float64, bool) { return 0, false }

// spareWhen returns a function that returns why the budget skips a target, or nil if it never
// does. It skips the primary in a share of the turns near the end of a budget, and last
// resorts when the budget is spent and exhausted is deny.
func (b *builder) spareWhen(t spec.Target) func(ctx context.Context) (why string) {
	switch {
	case !b.bounded:
		return nil
	case spec.IsLastResort(t.Model) && b.policy.Budgets.Exhausted != "degrade":
		return func(ctx context.Context) string {
			if stateOf(ctx).broke() {
				return "the budget is used up"
			}
			return ""
		}
	case t.Spared:
		if b.kept.turns = b.before.turns; b.kept.turns == nil {
			b.kept.turns = newTurns()
		}
		return (&sparing{*b.policy.Budgets.SoftLimit, b.kept.purse, b.app.Rand, b.kept.turns}).why
	}
	return nil
}

// sparing decides which calls the primary is spared near the end of a budget. All calls of
// a turn are decided alike.
type sparing struct {
	soft   spec.SoftLimit
	budget *middleware.Budget
	draw   func() float64 // for calls outside of a turn
	turns  *turns         // turns whose side of the share is not the primary's
}

// why returns why a call skips the primary, "" if it does not.
//
// The side of the share on which a turn falls needs no memory: see [flags.Point]. It is the same in
// every replica and for every agent. Only whether the limit was reached when the turn
// started is remembered.
func (s *sparing) why(ctx context.Context) string {
	info := call.From(ctx)
	if info.Invocation == "" {
		why := s.reached(info.Tenant)
		if why != "" && s.draw() < float64(s.soft.PrimaryShare) {
			return ""
		}
		return why
	}
	if flags.Point("budgets.soft_limit", info.Invocation) < float64(s.soft.PrimaryShare) {
		return ""
	}
	return s.turns.first(info.Invocation, func() string { return s.reached(info.Tenant) })
}

// turns remembers why the primary is spared in each turn, "" if it is not. It is safe for
// concurrent use.
type turns struct {
	mu  sync.Mutex
	lru *simplelru.LRU[string, string] // by invocation; guarded by mu
}

func newTurns() *turns {
	lru, _ := simplelru.NewLRU[string, string](router.DefaultMaxTurns, nil) // fails only for a size below 1
	return &turns{lru: lru}
}

// first returns the result of the first call of why for the turn.
func (t *turns) first(invocation string, why func() string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first, known := t.lru.Get(invocation); known {
		return first
	}
	first := why()
	t.lru.Add(invocation, first)
	return first
}

// reached returns how much of a tenant's budget is spent, as a reason; "" below the limit.
func (s *sparing) reached(tenant string) string {
	if share := s.budget.Share(tenant); share >= float64(s.soft.At) {
		return fmt.Sprintf("%.0f%% of the day's budget is spent", 100*share)
	}
	return ""
}

// payable is a target of a policy whose budgets are bounded.
type payable struct {
	stream.Around
	spare func(ctx context.Context) (why string) // not to call it now; nil for never
	once  bool                                   // it is called once in a call, whichever way the call gets to it
}

// Gate implements stream.Gated.
func (p *payable) Gate(ctx context.Context, forced bool) (refused *middleware.RefusedError, moves bool) {
	if p.spare != nil && !forced {
		if why := p.spare(ctx); why != "" {
			return &middleware.RefusedError{By: "budget", Model: p.Name(), Reason: why}, true
		}
	}
	if p.once && !stateOf(ctx).begin() && !forced {
		return &middleware.RefusedError{By: "condition", Model: p.Name(), Reason: "it has been called already"}, false
	}
	return nil, false
}

// GenerateContent implements model.LLM.
func (p *payable) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(p, ctx, req, streamed)
}

// Do implements stream.Layer.
func (p *payable) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	err := p.Inner.Do(ctx, req, streamed, out)
	if err != nil {
		stateOf(ctx).count(ctx, err)
	}
	return err
}

// wayBack returns a second target for a primary that calls may skip, nil for others. It
// goes after the last model: while the budget is not spent, the primary is better than a
// last resort or an error.
func (b *builder) wayBack(t spec.Target, primary stream.Layer) model.LLM {
	p, ok := primary.(*payable)
	if !ok || !p.once {
		return nil
	}
	traits := b.traits(t)
	traits.Tier = "" // its place is the last one
	return router.Describe(&wayBack{&payable{Around: p.Around, once: true}}, traits)
}

// wayBack is the way back to a primary that a call was spared; see builder.wayBack.
type wayBack struct{ *payable }

// Absent implements stream.Optional.
func (*wayBack) Absent(ctx context.Context) bool { return stateOf(ctx).hasBegun() }
