package policy

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// rate is what a target costs, and how long its answers may be.
type rate struct {
	price price.Price
	known bool
	asks  int // output tokens that the file asks for; 0 for what the request asks for
	most  int // output tokens at most; 0 for no bound
}

// rate returns what the policy, or else the list of prices, says of a target.
func (b *builder) rate(t spec.Resolved) *rate {
	m := t.Settings
	r := &rate{most: b.maxOutput()}
	if m.Config != nil {
		r.asks = m.Config.MaxOutputTokens
	}
	if m.Price == nil {
		r.price, r.known = price.Of(t.ID)
		return r
	}
	r.known = true
	r.price.Input, r.price.Output = float64(m.Price.Input), float64(m.Price.Output)
	if m.Price.Cached != nil {
		// Package price takes 0 for "as much as other input".
		r.price.Cached = max(float64(*m.Price.Cached), math.SmallestNonzeroFloat64)
	}
	return r
}

// project returns what a request will cost in US dollars, from the request as
// the agent made it: of an answer as long as the attempt lets it be, and else of
// an ordinary one. The price must be known.
func (r *rate) project(req *model.LLMRequest) float64 {
	output := r.asks
	if output == 0 && req.Config != nil {
		output = int(req.Config.MaxOutputTokens)
	}
	if output = atMostTokens(output, r.most); output <= 0 {
		output = price.DefaultOutput
	}
	return price.Project(r.price, req, output)
}

// atMostTokens returns the bound on an answer for which a request asks for so
// many tokens, where the policy bounds it too; 0 means that there is none.
func atMostTokens(asked, most int) int {
	if most > 0 && (asked <= 0 || asked > most) {
		return most
	}
	return asked
}

// tariff returns what attempts are charged.
func (r *rate) tariff() middleware.Tariff {
	if !r.known {
		return middleware.Tariff{}
	}
	return middleware.Tariff{
		Price: func(req *model.LLMRequest) (float64, bool) { return r.project(req), true },
		Cost:  r.price.CostOf,
	}
}

// cost returns what tells the projected price of a request at a target, in an
// experiment at the dearest of its arms; nil if the price of one is not known.
func (b *builder) cost(t spec.Target) func(*model.LLMRequest) float64 {
	if t.LastResort() {
		return nil
	}
	var rates []*rate
	for _, r := range t.Models() {
		if rates = append(rates, b.rate(r)); !rates[len(rates)-1].known {
			return nil
		}
	}
	return func(req *model.LLMRequest) (dearest float64) {
		for _, r := range rates {
			dearest = max(dearest, r.project(req))
		}
		return dearest
	}
}

// maxOutput is the policy's bound on answers, in tokens; 0 for none.
func (b *builder) maxOutput() int { return b.policy.Budgets.MaxOutput() }

// budget keeps or makes the purse, what tenants have spent, if the policy bounds
// that. The purse outlives the policies that bound it; each model that is charged
// to it has its tariff for itself, so that calls under way keep theirs.
func (b *builder) budget() (err error) {
	b.kept.purse, b.bounded = b.before.purse, b.policy.Budgets.Spending()
	if b.bounded && b.kept.purse == nil {
		b.kept.purse, err = middleware.NewBudget(middleware.BudgetConfig{Price: noPrice})
	}
	return err
}

// noPrice is the price of a model that has no tariff.
func noPrice(string, *model.LLMRequest) (float64, bool) { return 0, false }

// open puts the limits of a policy that has been built into force.
func (b *builder) open() error {
	if !b.bounded {
		return nil
	}
	s := b.policy.Budgets
	location, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return fmt.Errorf("policy: budgets.timezone: %w", err)
	}
	limits := make(map[string]float64, len(s.Tenants))
	for tenant, t := range s.Tenants {
		limits[tenant] = float64(t.USDPerDay)
	}
	if err := b.kept.purse.SetLimits(float64(s.USDPerDay), limits); err != nil {
		return fmt.Errorf("policy: budgets: %w", err)
	}
	b.kept.purse.SetLocation(location)
	return nil
}

// spareWhen returns when a step is not asked for the sake of the budget, nil for
// never: the primary for a share of the turns near the end of a budget, and
// answers of last resort when it is used up and calls are to be refused.
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
		return (&sparing{*b.policy.Budgets.SoftLimit, b.kept.purse, b.options.rand, b.kept.turns}).why
	}
	return nil
}

// sparing decides which calls the primary is spared near the end of a budget: all
// of a turn, or none.
type sparing struct {
	soft   spec.SoftLimit
	budget *middleware.Budget
	draw   func() float64 // for calls of no turn
	turns  *turns         // of those that the primary may be spared
}

// why returns why a call is not to start at the primary, "" if it is to.
//
// A turn falls on its side of the share without memory, as point has it, so it is
// the same in every replica and for every agent. What has to be remembered is
// whether the limit was reached when the turn began.
func (s *sparing) why(ctx context.Context) string {
	info := call.From(ctx)
	if info.Invocation == "" {
		why := s.reached(info.Tenant)
		if why != "" && s.draw() < float64(s.soft.PrimaryShare) {
			return ""
		}
		return why
	}
	if point("budgets.soft_limit", info.Invocation) < float64(s.soft.PrimaryShare) {
		return ""
	}
	return s.turns.first(info.Invocation, func() string { return s.reached(info.Tenant) })
}

// turns remembers why the primary is spared a turn, "" if it is not. It is safe for
// concurrent use.
type turns struct {
	mu  sync.Mutex
	lru *simplelru.LRU[string, string] // by invocation; guarded by mu
}

func newTurns() *turns {
	lru, _ := simplelru.NewLRU[string, string](router.DefaultMaxTurns, nil) // fails for no size but one below 1
	return &turns{lru: lru}
}

// first returns what why said when it was asked of the turn first.
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

// reached says how much of a tenant's budget is spent, "" below the limit.
func (s *sparing) reached(tenant string) string {
	if share := s.budget.Share(tenant); share >= float64(s.soft.At) {
		return fmt.Sprintf("%.0f%% of the day's budget is spent", 100*share)
	}
	return ""
}

// comeBack returns steps with a way back to a primary that calls can be kept
// from, behind the last model: while there is money left, it is better than an
// answer of last resort, and than none.
func comeBack(steps []*step, primary *step) []*step {
	if primary.spare == nil {
		return steps
	}
	last := len(steps) - 1
	for steps[last].target.LastResort() {
		last--
	}
	primary.once = true
	again := *primary
	again.when, again.spare, again.next, again.back = nil, nil, steps[last].next, true
	return slices.Insert(steps, last+1, &again)
}

// wayBack is the layer of a step that calls take back to the primary: those that
// have not asked it.
type wayBack struct{ *layer }

// Absent implements stream.Optional.
func (*wayBack) Absent(ctx context.Context) bool { return stateOf(ctx).askedPrimary() }
