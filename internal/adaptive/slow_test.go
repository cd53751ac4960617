package adaptive_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/adaptive"
	"github.com/adk-fallback/adk-fallback/internal/quantile"
)

// measure takes the same time for calls of an arm, one a second.
func measure(s *adaptive.Share, arm int, streamed bool, d time.Duration, calls int) {
	for range calls {
		time.Sleep(time.Second)
		s.Measure(arm, streamed, d)
	}
}

// B75
func TestSlowAfter(t *testing.T) {
	const enough = quantile.MinSamples
	for _, test := range []struct {
		name     string
		given    time.Duration
		run      func(s *adaptive.Share)
		arm      int
		streamed bool
		want     time.Duration // 0 if it is not known
	}{
		{"nothing is known", 0, func(*adaptive.Share) {}, 0, false, 0},
		{"too little is known", 0, func(s *adaptive.Share) { measure(s, 0, false, time.Second, enough-1) }, 0, false, 0},
		{"the other arm alone is known", 0, func(s *adaptive.Share) { measure(s, 1, false, time.Second, enough) }, 0, false, 0},
		{"half as much again", 0, func(s *adaptive.Share) { measure(s, 0, false, time.Second, enough) }, 0, false, 1500 * time.Millisecond},
		{"of the alternative", 0, func(s *adaptive.Share) { measure(s, 1, false, time.Second, enough) }, 1, false, 1500 * time.Millisecond},
		{"less than noise", 0, func(s *adaptive.Share) { measure(s, 0, false, time.Millisecond, enough) }, 0, false, 100 * time.Millisecond},
		{"beside a slower alternative", 0, func(s *adaptive.Share) {
			measure(s, 0, false, time.Second, enough)
			measure(s, 1, false, 4*time.Second, enough)
		}, 0, false, 6 * time.Second},
		{"beside a faster alternative", 0, func(s *adaptive.Share) {
			measure(s, 0, false, 4*time.Second, enough)
			measure(s, 1, false, time.Second, enough)
		}, 0, false, 6 * time.Second},
		{"streamed calls apart", 0, func(s *adaptive.Share) {
			measure(s, 0, false, 4*time.Second, enough)
			measure(s, 0, true, time.Second, enough)
		}, 0, true, 1500 * time.Millisecond},
		{"unary calls apart", 0, func(s *adaptive.Share) { measure(s, 0, true, time.Second, enough) }, 0, false, 0},
		{"not of a primary that lost users", 0, func(s *adaptive.Share) {
			measure(s, 0, false, time.Second, enough)
			s.Add(0, 3, 3)
			measure(s, 0, false, 4*time.Second, quantile.Window)
		}, 0, false, 1500 * time.Millisecond},
		{"of the alternative all the time", 0, func(s *adaptive.Share) {
			measure(s, 1, false, time.Second, enough)
			s.Add(0, 3, 3)
			measure(s, 1, false, 4*time.Second, quantile.Window)
		}, 1, false, 6 * time.Second},
		{"of one call a step", 0, func(s *adaptive.Share) {
			measure(s, 0, false, time.Second, quantile.Window)
			for range quantile.Window {
				s.Measure(0, false, 4*time.Second)
			}
		}, 0, false, 1500 * time.Millisecond},
		{"given", time.Minute, func(*adaptive.Share) {}, 0, false, time.Minute},
		{"given, and measured", time.Millisecond, func(s *adaptive.Share) { measure(s, 0, false, time.Second, enough) }, 0, false, time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := adaptive.New(with(func(c *adaptive.Config) { c.SlowAfter = test.given }))
				test.run(s)
				got, ok := s.SlowAfter(test.arm, test.streamed)
				if ok != (test.want > 0) || ok && got != test.want {
					t.Errorf("%v, %v; want %v", got, ok, test.want)
				}
			})
		})
	}
}
