package simulate

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// coarse is the smallest divided limit, in calls, that counts as accurate.
const coarse = 10

// notes say what the division does to the accuracy of each figure.
func notes(c Config, each float64) []string {
	s := c.Scenario
	replicas := float64(s.Replicas)
	if each <= replicas {
		return coarseQuotas(c, each)
	}
	all := []string{fmt.Sprintf("A process has %.3g calls per second at the peak; the simulated one has %.3g. Quotas, capacities, limits and budgets are divided accordingly; counts of breakers are not.",
		s.Traffic.RPS/replicas, s.Traffic.RPS/each)}
	for _, p := range c.Policies {
		b := p.Spec.CircuitBreaker
		if b == nil {
			continue
		}
		later := time.Duration(float64(b.FailureThreshold) * (each - replicas) / s.Traffic.RPS * float64(time.Second))
		if later >= 100*time.Millisecond {
			all = append(all, fmt.Sprintf("%s: a breaker that opens after %d failures in a row opens about %v later than in reality. More --calls make that shorter.", p.Name, b.FailureThreshold, later.Round(100*time.Millisecond)))
		}
		if b.FailureRatio > 0 && s.Traffic.RPS/each*b.Window.Seconds() < float64(b.MinRequests) {
			all = append(all, fmt.Sprintf("%s: its breakers see fewer than min_requests calls in a window, so failure_ratio never opens one here. Raise --calls.", p.Name))
		}
	}
	return append(all, coarseQuotas(c, each)...)
}

// notes say which values of a policy are coarse. usd is the usual cost of a call.
func (s smallest) notes(policy string, usd float64) (all []string) {
	if s.limit < coarse {
		all = append(all, fmt.Sprintf("%s: its smallest limit divides to %.2g, so it is coarse. Raise --calls.", policy, s.limit))
	}
	if s.budget < 10*coarse*usd {
		all = append(all, fmt.Sprintf("%s: its smallest budget divides to $%.2g, and a call costs about $%.2g, so it is coarse. Raise --calls.", policy, s.budget, usd))
	}
	return all
}

// coarseQuotas names the models whose quotas are small in simulated calls.
func coarseQuotas(c Config, each float64) (all []string) {
	var names []string
	for name, m := range c.Scenario.Models {
		least := math.Inf(1)
		if m.Capacity > 0 {
			least = float64(m.Capacity)
		}
		if m.Quota != nil && m.Quota.RequestsPerMinute > 0 {
			least = min(least, float64(m.Quota.RequestsPerMinute))
		}
		if least/each < coarse {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, fmt.Sprintf("models.%s: its capacity or quota of a minute is less than %d simulated calls, so it is coarse. Raise --calls.", name, coarse))
	}
	return all
}
