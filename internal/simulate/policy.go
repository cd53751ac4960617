package simulate

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// smallest are the smallest values of a divided policy; infinite for none.
type smallest struct{ limit, budget float64 }

// divided returns p with limits and budgets times part, and the smallest of them afterwards.
// Shares and the counts of breakers stay.
func divided(p *spec.Policy, part float64) (*spec.Policy, smallest) {
	smaller, least := *p, smallest{math.Inf(1), math.Inf(1)}
	smaller.Context = nil // the scenario has the facts of callers, and there is no session
	count := func(n *int) {
		if *n > 0 {
			least.limit = min(least.limit, float64(*n)*part)
			*n = scaled(*n, part)
		}
	}
	dollars := func(usd *spec.USD) {
		if *usd > 0 {
			*usd *= spec.USD(part)
			least.budget = min(least.budget, float64(*usd))
		}
	}
	limits := func(l *spec.RateLimits) *spec.RateLimits {
		if l == nil {
			return nil
		}
		less := *l
		for _, n := range []*int{&less.RequestsPerMinute, &less.TokensPerMinute, &less.Concurrency} {
			count(n)
		}
		less.Queue = scaled(less.Queue, part)
		return &less
	}
	smaller.RateLimits = limits(p.RateLimits)
	smaller.Models = maps.Clone(p.Models)
	for _, name := range slices.Sorted(maps.Keys(smaller.Models)) {
		m := smaller.Models[name]
		m.RateLimits = limits(m.RateLimits)
		smaller.Models[name] = m
	}
	if p.Budgets != nil {
		b := *p.Budgets
		dollars(&b.USDPerDay)
		b.Tenants = maps.Clone(b.Tenants)
		for name, t := range b.Tenants {
			dollars(&t.USDPerDay)
			b.Tenants[name] = t
		}
		smaller.Budgets = &b
	}
	return &smaller, least
}

// scaled returns n times part, and at least 1 unless n is 0.
func scaled(n int, part float64) int {
	return max(min(n, 1), int(math.Round(float64(n)*part)))
}

// change is a reload of the policy.
type change struct {
	at     time.Duration
	prices map[string]float64 // factors by name of the model
}

// reprice reloads the policy at each change of a price that becomes known. It returns after
// the last one, or when a price makes the policy invalid.
func (w *world) reprice(ctx context.Context, live *policy.Live) error {
	for _, c := range w.changes() {
		time.Sleep(time.Until(w.start.Add(c.at)))
		p := *w.policy
		p.Models = maps.Clone(p.Models)
		if p.Models == nil {
			p.Models = map[string]spec.Model{}
		}
		for name, times := range c.prices {
			r := p.Resolve(name)
			known, ok := priceOf(w.providers[name].model, r)
			if !ok {
				continue
			}
			r.Settings.Price = &spec.Price{Input: spec.USD(times * known.Input), Output: spec.USD(times * known.Output)}
			p.Models[r.Model] = r.Settings
		}
		if err := live.Replace(ctx, &p); err != nil {
			return fmt.Errorf("simulate: with the prices of the scenario after %v: %w", c.at, err)
		}
	}
	return nil
}

// changes returns the reloads that the events cause, in order.
func (w *world) changes() (all []change) {
	var times []time.Duration
	for _, e := range w.scenario.Events {
		if e.Price != nil && e.Price.KnownAfter > 0 {
			times = append(times, e.At+e.Price.KnownAfter, w.scenario.End(e)+e.Price.KnownAfter)
		}
	}
	slices.Sort(times)
	for _, at := range slices.Compact(times) {
		if at < w.scenario.Length {
			all = append(all, change{at: at, prices: w.pricesAt(at)})
		}
	}
	return all
}

// pricesAt returns the factors that are known at a time.
func (w *world) pricesAt(at time.Duration) map[string]float64 {
	prices := map[string]float64{}
	for name, p := range w.providers {
		for _, e := range w.scenario.Events {
			if e.Price == nil || e.Price.KnownAfter == 0 || !e.Concerns(p.names...) {
				continue
			}
			if from := at - e.Price.KnownAfter; from >= e.At && from < w.scenario.End(e) {
				prices[name] = or1(prices[name]) * e.Price.Times
			}
		}
	}
	return prices
}

// or1 returns factor, or 1 if it is not set.
func or1(factor float64) float64 {
	if factor == 0 {
		return 1
	}
	return factor
}

// alone returns the primary of p without any layer.
func alone(p *spec.Policy) *spec.Policy {
	return &spec.Policy{Primary: p.Primary, Models: p.Models, Aliases: p.Aliases}
}
