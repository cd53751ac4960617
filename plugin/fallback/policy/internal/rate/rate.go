// Package rate computes what a request to a target costs: by the price in the policy, or else by
// the list price. Budgets, cascades and conditions on cost use it.
package rate

import (
	"math"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/price"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Rate is the price of a target and the length of its answers. Equal rates cost the same.
type Rate struct {
	price price.Price
	known bool
	asks  int // output tokens that the file requests; 0 means those of the request
	most  int // limit of output tokens; 0 for none
}

// Of returns the rate of a model, with the price of the policy or else the list price. most is
// the policy's limit of output tokens; 0 for none.
func Of(t spec.Resolved, most int) *Rate {
	m := t.Settings
	r := &Rate{most: most}
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
		// To package price, 0 means the price of other input.
		r.price.Cached = max(float64(*m.Price.Cached), math.SmallestNonzeroFloat64)
	}
	return r
}

// Price returns the price, or nil if it is not known.
func (r *Rate) Price() *price.Price {
	if !r.known {
		return nil
	}
	return &r.price
}

// Free reports whether the model is known to cost nothing.
func (r *Rate) Free() bool { return r.known && r.price.Input == 0 && r.price.Output == 0 }

// project returns the projected cost of a request in US dollars. It assumes the longest
// answer that the attempt allows, or an answer of ordinary length if there is no limit. The
// price must be known.
func (r *Rate) project(req *model.LLMRequest) float64 {
	return price.Project(r.price, req, r.Output(req))
}

// Output returns how long an answer may be, in tokens, or how long one usually is if there
// is no limit.
func (r *Rate) Output(req *model.LLMRequest) int {
	output := r.asks
	if output == 0 && req.Config != nil {
		output = int(req.Config.MaxOutputTokens)
	}
	if output = AtMost(output, r.most); output <= 0 {
		output = price.DefaultOutput
	}
	return output
}

// AtMost returns the lower one of the limits that the request and the policy set for the length
// of an answer; 0 means no limit.
func AtMost(asked, most int) int {
	if most > 0 && (asked <= 0 || asked > most) {
		return most
	}
	return asked
}

// Tariff returns the prices that attempts are charged.
func (r *Rate) Tariff() middleware.Tariff {
	if !r.known {
		return middleware.Tariff{}
	}
	return middleware.Tariff{
		Price: func(req *model.LLMRequest) (float64, bool) { return r.project(req), true },
		Cost:  r.price.CostOf,
	}
}

// Dearest returns a function for the projected price of a request at the most expensive of
// several models, in US dollars. It is nil if a price is unknown.
func Dearest(models []spec.Resolved, most int) func(*model.LLMRequest) float64 {
	rates := make([]*Rate, len(models))
	for i, m := range models {
		if rates[i] = Of(m, most); !rates[i].known {
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
