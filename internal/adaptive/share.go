// Package adaptive moves users between two arms, a primary and an alternative: away from the
// primary while its calls fail or are slow, and back when it is healthy. It learns how many
// calls were bad and how long they took. It calls no models; package router does.
//
// The rule is additive increase and multiplicative decrease. The comment of
// router.AdaptiveShare states it and its sources.
package adaptive

import (
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/quantile"
)

// The arms.
const primary, alternative = 0, 1

// Fixed figures. Probabilities are those of independent calls.
const (
	// minBad is how many bad calls lower a share. One or two are chance: if 1 % of an arm's
	// calls are bad, 1 of 1000 steps with 20 calls has three or more.
	minBad = 3
	// tooBad is the excess of an arm's rate of bad calls over the other's that lowers its
	// share. What both arms suffer is no reason to move. Up to twice goodEnough, a rate
	// neither lowers nor raises the share.
	tooBad = 0.10
	// goodEnough is the rate of bad calls up to which the primary is healthy. As many
	// exceed the 95th percentile, from which SlowAfter is measured.
	goodEnough = 0.05
	// minGood is how many calls show that the primary is healthy. If 20 % of its calls are
	// bad, 1 of 9 steps with 10 calls has no bad one; calmSteps makes up for that.
	minGood = 10
	// calmSteps is how many steps after a decrease the share may rise: a primary that
	// fails a part of its calls often has a second without a failure.
	calmSteps = 10
	// maxSteps is how many steps a decision may take. If it takes that many, the share rises
	// unless a call was bad, even if there was no call: otherwise an arm that no user falls
	// into would never be tried again. With router.DefaultShareIncrease, an unused share is
	// whole after seven such decisions.
	maxSteps = 20
)

// Config says how a share moves. All fields must be set, except SlowAfter.
type Config struct {
	Min, Max float64       // bounds of the primary's share, above 0 and at most 1; it begins with Max
	Increase float64       // added by a healthy step
	Decrease float64       // factor of a bad step, below 1
	Step     time.Duration // shortest time between two changes

	// SlowAfter is the time without content after which a call is bad. 0 means that it is
	// measured.
	SlowAfter time.Duration
}

// Share is the share of the primary, which is arm 0; the rest is that of the alternative, arm 1.
// Use New. It is safe for concurrent use.
type Share struct {
	config Config
	times  [2][2]quantile.Latencies // to the first content; by arm, and by whether calls are streamed

	mu    sync.Mutex
	value float64   // guarded by mu
	since time.Time // guarded by mu; when counting began
	seen  [2]calls  // guarded by mu; by arm, since then
	fell  time.Time // guarded by mu; the latest decrease; zero for none
	low   float64   // guarded by mu; the share after it; Max if it has been reached since
}

// calls are counts of an arm's calls.
type calls struct{ all, bad int }

// rate returns the part of the calls that was bad.
func (n calls) rate() float64 {
	if n.all == 0 {
		return 0
	}
	return float64(n.bad) / float64(n.all)
}

// New returns the whole share, Max.
func New(config Config) *Share {
	s := &Share{config: config, value: config.Max, low: config.Max, since: time.Now()}
	for arm := range s.times {
		for i := range s.times[arm] {
			s.times[arm][i].Every = config.Step
		}
	}
	return s
}

// Value returns the share, in [Min, Max].
func (s *Share) Value() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// Takes reports whether a point of [0, 2⁶⁴) is the primary's. It also moves the share, which
// must rise while no call ends.
func (s *Share) Takes(point uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move()
	return float64(point)/(1<<64) < s.value
}

// Add counts calls of an arm. A call that was counted before and is found to be bad later adds
// to bad only.
func (s *Share) Add(arm, all, bad int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[arm].all += all
	s.seen[arm].bad += bad
	s.move()
}

// move changes the share if the counts are a reason to. The caller holds mu.
func (s *Share) move() {
	now := time.Now()
	steps := now.Sub(s.since) / s.config.Step
	if steps < 1 {
		return
	}
	calm := now.Sub(s.fell) >= calmSteps*s.config.Step
	enough := s.seen[primary].all >= minGood || steps >= maxSteps
	switch {
	case s.worse(primary):
		s.value = max(min(s.value*s.config.Decrease, s.low), s.config.Min)
		s.low, s.fell = s.value, now
	case s.worse(alternative):
		s.value = s.config.Max - (s.config.Max-s.value)*s.config.Decrease
	case s.seen[primary].rate() <= goodEnough && calm && enough:
		s.value = min(s.value+s.config.Increase, s.config.Max)
	case steps < maxSteps:
		return
	}
	if s.value == s.config.Max {
		s.low = s.config.Max
	}
	s.since, s.seen = now, [2]calls{}
}

// worse reports whether an arm is worse than the other. The caller holds mu.
func (s *Share) worse(arm int) bool {
	return s.seen[arm].bad >= minBad && s.seen[arm].rate()-s.seen[1-arm].rate() > tooBad
}
