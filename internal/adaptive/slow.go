package adaptive

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/quantile"
)

// SlowFactor times the 95th percentile is a time that healthy calls hardly ever exceed: 1 of 400
// does if times are log-normal with a σ of 0.35, as in package router's test of a brown-out.
const SlowFactor = 1.5

// SlowAfter returns the time without content after which a call of an arm is bad. ok is false
// if it is not known yet.
//
// The longer one of the arms' percentiles counts: users gain nothing from an alternative that
// is as slow.
func (s *Share) SlowAfter(arm int, streamed bool) (limit time.Duration, ok bool) {
	if s.config.SlowAfter > 0 {
		return s.config.SlowAfter, true
	}
	own, ok := s.measured(arm, streamed).P95()
	other, _ := s.measured(1-arm, streamed).P95()
	return max(time.Duration(SlowFactor*float64(max(own, other))), quantile.Noise), ok
}

// Measure records the time to first content of a call of an arm. The primary is measured only
// while it has its whole share, so that it is compared with its own healthy times.
func (s *Share) Measure(arm int, streamed bool, d time.Duration) {
	if arm != primary || s.Value() == s.config.Max {
		s.measured(arm, streamed).Add(d)
	}
}

func (s *Share) measured(arm int, streamed bool) *quantile.Latencies {
	if streamed {
		return &s.times[arm][1]
	}
	return &s.times[arm][0]
}
