package simulate

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
)

// Purposes of draws that do not belong to a model.
const (
	arrivals = "arrivals"
	contents = "contents" // of calls
	jitters  = "jitters"  // of the policy
)

// source returns the source of random numbers of a purpose.
func source(seed int, purpose string, more ...uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose)) // never fails
	first, second := uint64(seed)*0x9e3779b97f4a7c15^h.Sum64(), uint64(0)
	for _, m := range more {
		second = second*0xbf58476d1ce4e5b9 + m + 1
	}
	return rand.New(rand.NewPCG(first, second))
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// lognormal draws from the lognormal distribution with two percentiles.
func lognormal(r *rand.Rand, p50, p99 float64) float64 {
	return p50 * math.Exp(r.NormFloat64()*math.Log(p99/p50)/z99)
}

// delay draws a time of at least a nanosecond.
func delay(r *rand.Rand, d scenario.Delay) time.Duration {
	return max(1, time.Duration(lognormal(r, float64(d.P50), float64(d.P99))))
}

// tokens draws a length.
func tokens(r *rand.Rand, t scenario.Tokens) int {
	return max(1, int(lognormal(r, float64(t.P50), float64(t.P99))))
}

// jitter returns a source of numbers in [0, 1) for the policy. A number belongs to the
// virtual instant at which it is drawn, so the order of goroutines does not matter.
func jitter(seed int) func() float64 {
	return func() float64 { return source(seed, jitters, uint64(time.Now().UnixNano())).Float64() }
}

// pick returns the name whose share of [0, 1) has u; names and shares are parallel.
func pick(names []string, shares []float64, u float64) string {
	for i, name := range names {
		if u -= shares[i]; u < 0 {
			return name
		}
	}
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1] // shares add up to 1 but for rounding
}
