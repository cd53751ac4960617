package simulate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
)

// sampling says what the simulated calls stand for.
func sampling(c Config, each float64, calls int) report.Sampling {
	return report.Sampling{RealCalls: math.Round(c.Scenario.Calls()), Calls: calls, Each: each, Replicas: c.Scenario.Replicas}
}

// coarse is the smallest divided limit that counts as accurate.
const coarse = 10

// notes say what the division does to the accuracy. least has the smallest divided limit of
// each policy; 0 for none.
func notes(c Config, each float64, least []int) (all []string) {
	s := c.Scenario
	replicas := float64(s.Replicas)
	if each > replicas {
		all = append(all, fmt.Sprintf("A process has %s calls per second at the peak; the simulated one has %s. Quotas, capacities, limits and budgets are divided accordingly; counts of breakers are not.",
			perSecond(s.Traffic.RPS/replicas), perSecond(s.Traffic.RPS/each)))
		for _, p := range c.Policies {
			b := p.Spec.CircuitBreaker
			if b == nil {
				continue
			}
			later := time.Duration(float64(b.FailureThreshold) * (each - replicas) / s.Traffic.RPS * float64(time.Second))
			if b.FailureThreshold > 0 && later >= 100*time.Millisecond {
				all = append(all, fmt.Sprintf("%s: a breaker that opens after %d failures in a row opens about %v later than in reality. More --calls make that shorter.", p.Name, b.FailureThreshold, later.Round(100*time.Millisecond)))
			}
			if b.FailureRatio > 0 && s.Traffic.RPS/each*b.Window.Seconds() < float64(b.MinRequests) {
				all = append(all, fmt.Sprintf("%s: its breakers see fewer than min_requests calls in a window, so failure_ratio never opens one here. Raise --calls.", p.Name))
			}
		}
	}
	for i, n := range least {
		if n > 0 && n < coarse && each > replicas {
			all = append(all, fmt.Sprintf("%s: its smallest limit is %d simulated calls or tokens, so it is coarse. Raise --calls.", c.Policies[i].Name, n))
		}
	}
	return append(all, coarseQuotas(c, each)...)
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

func perSecond(rate float64) string { return fmt.Sprintf("%.3g", rate) }
