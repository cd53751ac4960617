package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// retryPlan is about asking the primary again.
type retryPlan struct {
	// Waits are before each retry at most, in order.
	Waits []wait `json:"waits"`
	// Because says why there are no more.
	Because string `json:"because"`
}

// String says it in a few words.
func (r retryPlan) String() string {
	if len(r.Waits) == 0 {
		return "no: " + r.Because
	}
	waits := make([]string, len(r.Waits))
	for i, w := range r.Waits {
		waits[i] = w.String()
	}
	return fmt.Sprintf("%s, after %s", plural(len(waits), "time"), strings.Join(waits, ", then "))
}

// wait is drawn between two bounds.
type wait struct {
	MinSeconds float64 `json:"min_seconds"`
	MaxSeconds float64 `json:"max_seconds"`
}

// String returns "26s" or "250ms to 500ms".
func (w wait) String() string {
	if w.MinSeconds == w.MaxSeconds {
		return short(seconds(w.MinSeconds))
	}
	return short(seconds(w.MinSeconds)) + " to " + short(seconds(w.MaxSeconds))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// breakerPlan is about the primary's breaker.
type breakerPlan struct {
	Present bool `json:"present"`
	// OpensAfter is how many such failures in a row open it, retries included; 0
	// for a failure that does not count.
	OpensAfter  int     `json:"opens_after"`
	OpenSeconds float64 `json:"open_seconds"`
}

// String says it in a few words.
func (b breakerPlan) String() string {
	switch {
	case !b.Present:
		return "none"
	case b.OpensAfter == 0:
		return "stays closed: such a failure does not count"
	case b.OpensAfter == 1:
		return fmt.Sprintf("opens at once, for %s", short(seconds(b.OpenSeconds)))
	}
	return fmt.Sprintf("opens after %d such failures in a row, for %s", b.OpensAfter, short(seconds(b.OpenSeconds)))
}

// planRetries says what a retry layer does with v, but for its budget.
func planRetries(p *spec.Policy, v failure.Verdict) retryPlan {
	plan := retryPlan{Waits: []wait{}}
	r := p.Retry
	switch {
	case r == nil || r.MaxAttempts < 2:
		plan.Because = "the policy has no retry"
		return plan
	case v.Action != failure.Retry:
		plan.Because = "the verdict is " + string(v.Action)
		return plan
	case v.RetryAfter > r.MaxWait:
		plan.Because = fmt.Sprintf("the provider asks for %s, longer than retry.max_wait, %s", short(v.RetryAfter), short(r.MaxWait))
		return plan
	}
	plan.Because = "retry.max_attempts"
	limit := r.MaxAttempts - 1
	if v.MaxRetries > 0 && v.MaxRetries < limit {
		plan.Because = "the verdict allows no more"
		limit = v.MaxRetries
	}
	for i := range limit {
		longest := backoff(r, i)
		from, to := max(v.RetryAfter, longest/2), max(v.RetryAfter, longest)
		if r.SkipWait > 0 && len(p.Fallbacks) > 0 {
			if to = min(to, r.SkipWait); from > to {
				plan.Because = fmt.Sprintf("the wait is longer than retry.skip_wait, %s, and another target is left", short(r.SkipWait))
				break
			}
		}
		plan.Waits = append(plan.Waits, wait{from.Seconds(), to.Seconds()})
	}
	return plan
}

// planBreaker lets a breaker meet failures with the verdict v until it opens.
func planBreaker(c *spec.CircuitBreaker, v failure.Verdict) (breakerPlan, error) {
	if c == nil {
		return breakerPlan{}, nil
	}
	open := false
	around, err := middleware.NewBreaker(middleware.BreakerConfig{
		ConsecutiveFailures: c.FailureThreshold, FailureRatio: float64(c.FailureRatio), MinRequests: c.MinRequests,
		Window: c.Window, OpenFor: c.Backoff, MaxOpenFor: c.MaxBackoff,
		OnStateChange: func(_ string, _, to middleware.BreakerState) { open = to == middleware.BreakerOpen },
	})
	if err != nil {
		return breakerPlan{}, err
	}
	target := around(&standIn{name: "primary", err: v.Err()})
	for n := 1; n <= c.FailureThreshold; n++ {
		ask(target)
		if !open {
			continue
		}
		_, err := ask(target)
		plan := breakerPlan{Present: true, OpensAfter: n}
		if refused, ok := errors.AsType[*middleware.RefusedError](err); ok {
			plan.OpenSeconds = time.Until(refused.Until).Round(time.Second).Seconds()
		}
		return plan, nil
	}
	return breakerPlan{Present: true}, nil
}
