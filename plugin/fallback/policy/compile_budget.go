package policy

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// rate is what a target costs, and how long its answers may be.
type rate struct {
	price price.Price
	known bool
	asks  int // output tokens that the file asks for; 0 for what the request asks for
	most  int // output tokens at most; 0 for no bound
}

// rate returns what the policy, or else the list of prices, says of a target.
func (b *builder) rate(t Target) *rate {
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
// the agent made it; NaN if the price is not known.
func (r *rate) project(req *model.LLMRequest) float64 {
	if !r.known {
		return math.NaN()
	}
	output, candidates := r.asks, 1
	if c := req.Config; c != nil {
		if output == 0 {
			output = int(c.MaxOutputTokens)
		}
		candidates = max(int(c.CandidateCount), 1)
	}
	if output <= 0 {
		output = price.DefaultOutput
	}
	if r.most > 0 {
		output = min(output, r.most)
	}
	return r.price.Cost(tokens.Estimate(req), 0, output*candidates)
}

// maxOutput is the bound on answers, in tokens; 0 for none.
func (b *builder) maxOutput() int {
	if b.policy.Budgets == nil {
		return 0
	}
	return b.policy.Budgets.MaxOutputTokens
}

// purse is what tenants have spent. It outlives the policies that bound it, and
// has the prices of the one in use.
type purse struct {
	budget   *middleware.Budget
	timezone string
	rates    atomic.Pointer[map[string]*rate] // by target
}

// budget keeps or makes the purse, and charges targets to it if the policy
// bounds what is spent.
func (b *builder) budget() error {
	b.kept.purse = b.before.purse
	s := b.policy.Budgets
	if s == nil || s.USDPerDay == 0 && len(s.Tenants) == 0 {
		return nil
	}
	b.bounded = true
	if b.kept.purse != nil && b.kept.purse.timezone == s.Timezone {
		return nil
	}
	location, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return fmt.Errorf("policy: budgets.timezone: %w", err)
	}
	p := &purse{timezone: s.Timezone}
	p.rates.Store(&map[string]*rate{})
	p.budget, err = middleware.NewBudget(middleware.BudgetConfig{
		Location: location,
		Price: func(name string, req *model.LLMRequest) (float64, bool) {
			r := p.rateOf(name)
			return r.project(req), r.known
		},
		Cost: func(name string, usage *genai.GenerateContentResponseUsageMetadata) float64 {
			if r := p.rateOf(name); r.known {
				return r.price.CostOf(usage)
			}
			return 0 // of a tenant without a limit: others are refused
		},
	})
	b.kept.purse = p
	return err
}

// rateOf returns the rate of a target; that of one which is no longer in the
// policy is not known.
func (p *purse) rateOf(name string) *rate {
	if r := (*p.rates.Load())[name]; r != nil {
		return r
	}
	return &rate{}
}

// open puts the limits and prices of a policy that has been built into force.
func (b *builder) open() error {
	if !b.bounded {
		return nil
	}
	s, p := b.policy.Budgets, b.kept.purse
	limits := make(map[string]float64, len(s.Tenants))
	for tenant, t := range s.Tenants {
		limits[tenant] = float64(t.USDPerDay)
	}
	rates := make(map[string]*rate)
	for _, stack := range b.kept.stacks {
		rates[stack.settings.Canonical] = stack.rate
	}
	p.rates.Store(&rates)
	return p.budget.SetLimits(float64(s.USDPerDay), limits)
}

// spareWhen returns when a step is not asked for the sake of the budget, nil for
// never: the primary for a share of the calls near the end of a budget, and
// answers of last resort when it is used up and calls are to be refused.
func (b *builder) spareWhen(t Target) func(ctx context.Context) (why string) {
	if !b.bounded {
		return nil
	}
	s, budget, draw := b.policy.Budgets, b.kept.purse.budget, b.options.rand
	switch soft := s.SoftLimit; {
	case isLastResort(t.Model) && s.Exhausted != "degrade":
		return func(ctx context.Context) string {
			if stateOf(ctx).broke() {
				return "the budget is used up"
			}
			return ""
		}
	case t.entry == "" && soft != nil && len(b.chain) > 1:
		return func(ctx context.Context) string {
			share := budget.Share(call.From(ctx).Tenant)
			if share < float64(soft.At) || draw() < float64(soft.PrimaryShare) {
				return ""
			}
			return fmt.Sprintf("%.0f%% of the day's budget is spent", 100*share)
		}
	}
	return nil
}
