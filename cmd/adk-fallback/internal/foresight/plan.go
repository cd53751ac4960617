package foresight

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/picture"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Retry is the plan of the primary's retries.
type Retry struct {
	// Waits are the longest waits before each retry, in order.
	Waits []Wait `json:"waits"`
	// Because says why there are no more.
	Because string `json:"because"`
}

// String returns a few words.
func (r Retry) String() string {
	if len(r.Waits) == 0 {
		return "no: " + r.Because
	}
	waits := make([]string, len(r.Waits))
	for i, w := range r.Waits {
		waits[i] = w.String()
	}
	return fmt.Sprintf("%s, after %s", picture.Plural(len(waits), "time"), strings.Join(waits, ", then "))
}

// Wait is drawn at random between two bounds.
type Wait struct {
	MinSeconds float64 `json:"min_seconds"`
	MaxSeconds float64 `json:"max_seconds"`
}

// String returns "26s" or "250ms to 500ms".
func (w Wait) String() string {
	if w.MinSeconds == w.MaxSeconds {
		return picture.Short(seconds(w.MinSeconds))
	}
	return picture.Short(seconds(w.MinSeconds)) + " to " + picture.Short(seconds(w.MaxSeconds))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Breaker is what the failure does to the primary's breaker.
type Breaker struct {
	Present bool `json:"present"`
	// OpensAfter is how many such failures in a row open it, retries included; 0
	// if the failure does not count.
	OpensAfter  int     `json:"opens_after"`
	OpenSeconds float64 `json:"open_seconds"`
}

// String returns a few words.
func (b Breaker) String() string {
	switch {
	case !b.Present:
		return "none"
	case b.OpensAfter == 0:
		return "stays closed: such a failure does not count"
	case b.OpensAfter == 1:
		return fmt.Sprintf("opens at once, for %s", picture.Short(seconds(b.OpenSeconds)))
	}
	return fmt.Sprintf("opens after %d such failures in a row, for %s", b.OpensAfter, picture.Short(seconds(b.OpenSeconds)))
}

// planRetries returns what a retry layer does with v, its budget aside.
func planRetries(p *spec.Policy, v failure.Verdict) Retry {
	plan := Retry{Waits: []Wait{}}
	r := p.Retry
	switch {
	case r == nil || r.MaxAttempts < 2:
		plan.Because = "the policy has no section retry"
		return plan
	case v.Action != failure.Retry:
		plan.Because = "the verdict is " + string(v.Action)
		return plan
	case v.RetryAfter > r.MaxWait:
		plan.Because = fmt.Sprintf("the provider asks for a wait of %s, longer than retry.max_wait, %s", picture.Short(v.RetryAfter), picture.Short(r.MaxWait))
		return plan
	}
	plan.Because = "retry.max_attempts"
	limit := r.MaxAttempts - 1
	if v.MaxRetries > 0 && v.MaxRetries < limit {
		plan.Because = "the verdict allows no more"
		limit = v.MaxRetries
	}
	for i := range limit {
		longest := picture.Backoff(r, i)
		from, to := max(v.RetryAfter, longest/2), max(v.RetryAfter, longest)
		if r.SkipWait > 0 && len(p.Fallbacks) > 0 {
			if to = min(to, r.SkipWait); from > to {
				plan.Because = fmt.Sprintf("the wait is longer than retry.skip_wait, %s, and another target is available", picture.Short(r.SkipWait))
				break
			}
		}
		plan.Waits = append(plan.Waits, Wait{from.Seconds(), to.Seconds()})
	}
	return plan
}

// planBreaker gives a breaker failures with the verdict v until it opens.
func planBreaker(c *spec.CircuitBreaker, v failure.Verdict) (Breaker, error) {
	if c == nil {
		return Breaker{}, nil
	}
	open := false
	around, err := middleware.NewBreaker(middleware.BreakerConfig{
		ConsecutiveFailures: c.FailureThreshold, FailureRatio: float64(c.FailureRatio), MinRequests: c.MinRequests,
		Window: c.Window, OpenFor: c.Backoff, MaxOpenFor: c.MaxBackoff,
		OnStateChange: func(_ string, _, to middleware.BreakerState) { open = to == middleware.BreakerOpen },
	})
	if err != nil {
		return Breaker{}, err
	}
	target := around(&StandIn{Model: "primary", Err: v.Err()})
	for n := 1; n <= c.FailureThreshold; n++ {
		ask(target)
		if !open {
			continue
		}
		_, err := ask(target)
		plan := Breaker{Present: true, OpensAfter: n}
		if refused, ok := errors.AsType[*middleware.RefusedError](err); ok {
			plan.OpenSeconds = time.Until(refused.Until).Round(time.Second).Seconds()
		}
		return plan, nil
	}
	return Breaker{Present: true}, nil
}
