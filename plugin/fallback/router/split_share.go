package router

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/quantile"
)

// Defaults and fixed figures of a share that moves by itself.
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
	// SlowFactor times the 95th percentile is hardly ever exceeded in health.
	SlowFactor = 1.5

	// minBad is how many bad calls lower a share: one or two are chance.
	minBad = 3
	// tooBad is the excess of bad calls over the other arm's that lowers a share.
	tooBad = 0.10
	// goodEnough is the rate of bad calls up to which the primary is healthy.
	goodEnough = 0.05
	// minGood is how many calls show that it is.
	minGood = 10
	// calmSteps is how many steps after a decrease the share may rise: a primary that is
	// bad for a part of its calls often has a good second.
	calmSteps = 10
	// maxSteps is how many steps a decision may take. With so few calls, those without a
	// bad one, or no call at all, raise the share too: else an arm that no user falls
	// into would never be tried again.
	maxSteps = 20
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

// balance is the share at work. It is safe for concurrent use.
type balance struct {
	config AdaptiveShare // defaults filled in
	full   float64
	share  atomic.Uint64 // bits of the primary's share, a float64

	times [2][2]quantile.Latencies // by arm, and by whether calls are streamed

	mu    sync.Mutex
	since time.Time     // guarded by mu; when counting began
	seen  [2]goodAndBad // guarded by mu; by arm
	fell  time.Time     // guarded by mu; the latest decrease; zero for none
	low   float64       // guarded by mu; the share after it; full once that was reached again
}

// goodAndBad are the calls of an arm since counting began.
type goodAndBad struct{ all, bad int }

func (n goodAndBad) rate() float64 {
	if n.all == 0 {
		return 0
	}
	return float64(n.bad) / float64(n.all)
}

func newBalance(config AdaptiveShare, full float64) *balance {
	orDefault := func(value *float64, fallback float64) {
		if *value == 0 {
			*value = fallback
		}
	}
	orDefault(&config.MinShare, min(DefaultMinShare, full))
	orDefault(&config.Increase, DefaultShareIncrease)
	orDefault(&config.Decrease, DefaultShareDecrease)
	if config.Step == 0 {
		config.Step = DefaultShareStep
	}
	b := &balance{config: config, full: full, low: full, since: time.Now()}
	b.share.Store(math.Float64bits(full))
	for arm := range b.times {
		for i := range b.times[arm] {
			b.times[arm][i].Every = config.Step
		}
	}
	return b
}

// now returns the primary's share.
func (b *balance) now() float64 { return math.Float64frombits(b.share.Load()) }

// takes reports whether a point of [0, 2⁶⁴) is the primary's.
func (b *balance) takes(point uint64) bool {
	b.decide() // also while no call ends
	return float64(point)/(1<<64) < b.now()
}

// add counts calls of an arm.
func (b *balance) add(arm int, n goodAndBad) {
	b.mu.Lock()
	b.seen[arm].all += n.all
	b.seen[arm].bad += n.bad
	b.mu.Unlock()
	b.decide()
}

// decide moves the share if what was counted is reason to.
func (b *balance) decide() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	steps := now.Sub(b.since) / b.config.Step
	if steps < 1 {
		return
	}
	share, primary := b.now(), b.seen[0]
	calm := now.Sub(b.fell) >= calmSteps*b.config.Step
	healthy := primary.rate() <= goodEnough && calm
	switch {
	case b.worse(0):
		share = max(min(share*b.config.Decrease, b.low), b.config.MinShare)
		b.low, b.fell = share, now
	case b.worse(1):
		share = b.full - (b.full-share)*b.config.Decrease
	case healthy && (primary.all >= minGood || steps >= maxSteps):
		share = min(share+b.config.Increase, b.full)
	case steps < maxSteps:
		return
	}
	if share == b.full {
		b.low = share
	}
	b.share.Store(math.Float64bits(share))
	b.since, b.seen = now, [2]goodAndBad{}
}

// worse reports whether an arm is worse than the other.
func (b *balance) worse(arm int) bool {
	return b.seen[arm].bad >= minBad && b.seen[arm].rate()-b.seen[1-arm].rate() > tooBad
}

// slowAfter returns the time without content after which a call of an arm is bad. ok is
// false if it is not known.
func (b *balance) slowAfter(arm int, streamed bool) (limit time.Duration, ok bool) {
	if b.config.SlowAfter > 0 {
		return b.config.SlowAfter, true
	}
	own, ok := b.measured(arm, streamed).P95()
	other, _ := b.measured(1-arm, streamed).P95()
	return max(time.Duration(SlowFactor*float64(max(own, other))), DefaultMinHedgeDelay), ok
}

// measure takes the time to first content of a call.
func (b *balance) measure(arm int, streamed bool, d time.Duration) {
	if arm > 0 || b.now() == b.full {
		b.measured(arm, streamed).Add(d)
	}
}

func (b *balance) measured(arm int, streamed bool) *quantile.Latencies {
	if streamed {
		return &b.times[arm][1]
	}
	return &b.times[arm][0]
}
