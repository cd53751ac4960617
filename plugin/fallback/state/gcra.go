package state

import "time"

// gcra is a token bucket of the generic cell rate algorithm. Its only state is the time at which
// it will be full. The zero gcra is full. The buckets of state/redis behave alike.
type gcra struct{ full time.Time }

// rounding is the part of a token by which a bucket may seem to hold less than it does, because
// times are whole nanoseconds.
const rounding = 1e-4

// tokens returns how many tokens a bucket of that size and rate holds; below 0 if it owes.
func (g *gcra) tokens(now time.Time, size, perMinute float64) float64 {
	return size - max(g.full.Sub(now), 0).Minutes()*perMinute
}

// wait returns the time until the bucket holds n.
func (g *gcra) wait(now time.Time, size, perMinute float64, n int) time.Duration {
	missing := float64(n) - g.tokens(now, size, perMinute)
	if missing <= rounding {
		return 0
	}
	return time.Duration(missing/perMinute*float64(time.Minute)) + 1 // rounded up
}

// take takes n tokens, even if there are fewer, or puts them back if n is below 0.
func (g *gcra) take(now time.Time, perMinute float64, n float64) {
	if g.full.Before(now) {
		g.full = now
	}
	g.full = g.full.Add(time.Duration(n / perMinute * float64(time.Minute)))
}
