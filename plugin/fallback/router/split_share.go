package router

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/adaptive"
)

// Defaults and a fixed figure of a share that moves by itself.
const (
	// DefaultMinShare leaves the primary 2 % of the users: enough to see it recover, and
	// so few that slow calls among theirs stay beyond the 99th percentile of all calls.
	DefaultMinShare = 0.02
	// DefaultShareIncrease takes the share from the smallest to all in seven steps.
	DefaultShareIncrease = 0.15
	// DefaultShareDecrease halves, as TCP does.
	DefaultShareDecrease = 0.5
	// DefaultShareStep is the shortest time between two changes of the share.
	DefaultShareStep = time.Second
	// Healthy calls hardly ever exceed SlowFactor, 1.5, times the 95th percentile.
	SlowFactor = adaptive.SlowFactor
)

// AdaptiveShare moves users away from the primary, the first of two arms, while its
// calls fail or are slow, and back when it is healthy. The zero value means the
// defaults.
//
// The rule is additive increase and multiplicative decrease, which TCP follows to find
// the share of a link that it may use (RFC 5681, section 3.1; Chiu and Jain, "Analysis
// of the Increase and Decrease Algorithms for Congestion Avoidance in Computer
// Networks", 1989). A call is bad if it counts as failed for its arm (see [NewSplit]) or
// has no content in time (see SlowAfter). The calls of both arms are counted from the
// latest change of the share on, and judged at most once per Step:
//
//   - The share is multiplied by Decrease if 3 or more of the primary's calls were bad,
//     and more than 10 percentage points above those of the alternative. Until the share
//     has been whole again, it returns at least to where the latest decrease left it.
//   - The part of the alternative is multiplied by Decrease if that is true of its calls.
//   - Increase is added to the share if at most 5 % of the primary's calls were bad, of at
//     least 10. After a decrease, that takes 10 Steps at least.
//   - After 20 Steps without a change, counting starts again. Increase is added then if at
//     most 5 % of the primary's calls were bad, however few there were.
//
// The share stays between MinShare and the weight of the primary. Each user has a fixed
// point, so a user changes sides only when the share passes that point: those who left
// first return last, and the users below MinShare always stay with the primary. Each
// process has a share of its own, and starts with the whole.
type AdaptiveShare struct {
	// MinShare is the smallest share of the primary, above 0 and at most its weight's
	// part. 0 means [DefaultMinShare].
	MinShare float64
	// Increase is what a healthy step adds to the share, in (0, 1]. 0 means
	// [DefaultShareIncrease].
	Increase float64
	// Decrease is what a bad step multiplies the share by, in (0, 1). 0 means
	// [DefaultShareDecrease].
	Decrease float64
	// Step is the shortest time between two changes. 0 means [DefaultShareStep].
	Step time.Duration
	// SlowAfter is the time without content after which a call is bad. 0 means that it is
	// measured: [SlowFactor] times the 95th percentile of an arm's times to first content,
	// at least [DefaultMinHedgeDelay]. Of the two arms' percentiles, the longer one counts:
	// users gain nothing from an alternative that is as slow. An arm's percentile is that
	// of 128 calls, at most one per Step, so it spans two minutes or more; the primary's
	// is measured while it has its whole share, so that it is compared with its own
	// healthy times. Streamed and unary calls are measured separately. No call of an arm
	// is slow before [MinHedgeSamples] of them are known.
	SlowAfter time.Duration
}

func (a *AdaptiveShare) check(c *SplitConfig) error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("router: SplitConfig.Adaptive"+format, args...))
	}
	share := func(field string, value float64, most string, ok bool) {
		if !(value >= 0 && value <= 1) || !ok {
			wrong(".%s: %v is out of range; must be 0 (the default) %s", field, value, most)
		}
	}
	share("MinShare", a.MinShare, "to 1", true)
	share("Increase", a.Increase, "to 1", true)
	share("Decrease", a.Decrease, "or less than 1", a.Decrease < 1)
	if a.Step < 0 {
		wrong(".Step: %v is negative; must be 0 (default: %v) or more", a.Step, DefaultShareStep)
	}
	if a.SlowAfter < 0 {
		wrong(".SlowAfter: %v is negative; must be 0 (measured) or more", a.SlowAfter)
	}
	if c.MaxDrift != 0 {
		wrong(" and MaxDrift are both set; an arm cannot be taken out for good and come back by itself; set one")
	}
	if len(c.Arms) != 2 {
		wrong(" needs two arms, the primary and the alternative; Arms has %d", len(c.Arms))
	} else if full := fullShare(c.Arms); c.Arms[0].Weight == 0 || a.MinShare > full {
		wrong(".MinShare: %v is more than the primary's part of the weights, %v; raise Arms[0].Weight or lower MinShare", a.MinShare, full)
	}
	return errors.Join(problems...)
}

// fullShare returns the primary's part of the weights of two arms.
func fullShare(arms []Arm) float64 {
	sum := float64(arms[0].Weight) + float64(arms[1].Weight)
	if sum <= 0 {
		return 0
	}
	return float64(arms[0].Weight) / sum
}

// newShare returns the share of a primary. full is its part of the weights, at most 1.
func newShare(config AdaptiveShare, full float64) *adaptive.Share {
	return adaptive.New(adaptive.Config{
		Min:       cmp.Or(config.MinShare, min(DefaultMinShare, full)),
		Max:       full,
		Increase:  cmp.Or(config.Increase, DefaultShareIncrease),
		Decrease:  cmp.Or(config.Decrease, DefaultShareDecrease),
		Step:      cmp.Or(config.Step, DefaultShareStep),
		SlowAfter: config.SlowAfter,
	})
}
