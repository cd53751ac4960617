package adaptive_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/adaptive"
)

// whole is a share as package router makes it by default.
var whole = adaptive.Config{Min: 0.02, Max: 1, Increase: 0.15, Decrease: 0.5, Step: time.Second}

// with returns whole with a change.
func with(change func(*adaptive.Config)) adaptive.Config {
	config := whole
	change(&config)
	return config
}

// traffic makes calls and counts them in a share.
type traffic struct {
	*adaptive.Share
	primary, other int // every nth call of the arm is bad; 0 for none
	calls          int
}

// seconds makes ten calls a second, by a hundred users, one after the other.
func (a *traffic) seconds(n int) {
	for range 10 * n {
		time.Sleep(100 * time.Millisecond)
		a.calls++
		user := uint64(a.calls * 37 % 100)
		arm, nth := 0, a.primary
		if !a.Takes(user * (math.MaxUint64 / 100)) {
			arm, nth = 1, a.other
		}
		bad := 0
		if nth > 0 && a.calls%nth == 0 {
			bad = 1
		}
		a.Add(arm, 1, bad)
	}
}

// wait lets seconds pass without a call that ends.
func (a *traffic) wait(seconds int) {
	for range seconds {
		time.Sleep(time.Second)
		a.Takes(0)
	}
}

// share returns the share in thousandths.
func (a *traffic) share() float64 { return math.Round(a.Value()*1000) / 1000 }

// B75
func TestShareMoves(t *testing.T) {
	slowly := with(func(c *adaptive.Config) { c.Increase = 0.001 })
	for _, test := range []struct {
		name   string
		config adaptive.Config
		run    func(a *traffic)
		want   float64
	}{
		{"health", whole, func(a *traffic) { a.seconds(60) }, 1},
		{"bad", whole, func(a *traffic) { a.primary = 1; a.seconds(1) }, 0.5},
		{"bad for long", whole, func(a *traffic) { a.primary = 1; a.seconds(60) }, 0.02},
		{"a smallest share", with(func(c *adaptive.Config) { c.Min = 0.2 }), func(a *traffic) { a.primary = 1; a.seconds(20) }, 0.2},
		{"a largest share", with(func(c *adaptive.Config) { c.Max = 0.6 }), func(a *traffic) { a.seconds(60) }, 0.6},
		{"a decrease", with(func(c *adaptive.Config) { c.Decrease = 0.1 }), func(a *traffic) { a.primary = 1; a.seconds(1) }, 0.1},
		{"a longer step", with(func(c *adaptive.Config) { c.Step = 10 * time.Second }), func(a *traffic) { a.primary = 1; a.seconds(9) }, 1},
		{"two bad calls", whole, func(a *traffic) { a.Add(0, 2, 2); a.seconds(10) }, 1},
		{"three bad calls", whole, func(a *traffic) { a.Add(0, 3, 3); a.seconds(10) }, 0.5},
		{"few bad calls", whole, func(a *traffic) { a.primary = 30; a.seconds(60) }, 1},
		{"found to be bad later", whole, func(a *traffic) { a.seconds(5); a.Add(0, 0, 3); a.seconds(1) }, 0.5},
		{"no more than 10 points above the other", whole, func(a *traffic) { a.Add(1, 100, 10); a.Add(0, 100, 20); a.wait(1) }, 1},
		{"more than 10 points above the other", whole, func(a *traffic) { a.Add(1, 100, 10); a.Add(0, 100, 21); a.wait(1) }, 0.5},
		{"not until there was calm", whole, func(a *traffic) {
			a.primary = 1
			a.seconds(1)
			a.primary = 0
			a.seconds(9)
		}, 0.5},
		{"back after calm", whole, func(a *traffic) {
			a.primary = 1
			a.seconds(1)
			a.primary = 0
			a.seconds(11)
		}, 0.65},
		{"an increase", with(func(c *adaptive.Config) { c.Increase = 0.25 }), func(a *traffic) {
			a.primary = 1
			a.seconds(1)
			a.primary = 0
			a.seconds(11)
		}, 0.75},
		{"back with ten good calls", whole, func(a *traffic) { a.Add(0, 3, 3); a.wait(11); a.Add(0, 10, 0) }, 0.65},
		{"not with nine", whole, func(a *traffic) { a.Add(0, 3, 3); a.wait(11); a.Add(0, 9, 0) }, 0.5},
		{"back with one bad call of 20", whole, func(a *traffic) { a.Add(0, 3, 3); a.wait(11); a.Add(0, 20, 1) }, 0.65},
		{"not with two of 30", whole, func(a *traffic) { a.Add(0, 3, 3); a.wait(11); a.Add(0, 30, 2) }, 0.5},
		{"back to the whole", whole, func(a *traffic) {
			a.primary = 1
			a.seconds(60)
			a.primary = 0
			a.seconds(120)
		}, 1},
		{"back to a largest share", with(func(c *adaptive.Config) { c.Max = 0.6 }), func(a *traffic) {
			a.primary = 1
			a.seconds(60)
			a.primary = 0
			a.seconds(120)
		}, 0.6},
		{"a relapse undoes the increases", with(func(c *adaptive.Config) { c.Min = 0.3 }), func(a *traffic) {
			a.primary = 1
			a.seconds(10)
			a.primary = 0
			for a.share() < 0.8 {
				a.seconds(1)
			}
			a.primary = 1
			a.seconds(1)
		}, 0.3},
		{"after the whole, a relapse is a first one", whole, func(a *traffic) {
			a.primary = 1
			a.seconds(60)
			a.primary = 0
			a.seconds(120)
			a.primary = 1
			a.seconds(1)
		}, 0.5},
		{"both are bad", whole, func(a *traffic) {
			a.Add(0, 20, 20)
			a.Add(1, 20, 20)
			a.seconds(60)
		}, 1},
		{"the alternative alone is bad", slowly, func(a *traffic) {
			a.primary = 1
			a.seconds(1)
			a.primary, a.other = 0, 1
			a.seconds(1)
		}, 0.75},
		// Else nobody would see that it is healthy.
		{"nobody's share rises", slowly, func(a *traffic) {
			a.Add(0, 3, 3)
			a.wait(20)
			if a.share() != 0.5 {
				t.Errorf("a share of %v after 19 steps without calls, want 0.5", a.share())
			}
			a.wait(1)
		}, 0.501},
		{"a bad share of few does not rise", slowly, func(a *traffic) {
			a.Add(0, 3, 3)
			a.wait(1)
			a.Add(0, 2, 2)
			a.wait(20)
		}, 0.5},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := traffic{Share: adaptive.New(test.config)}
				test.run(&a)
				if got := a.share(); got != test.want {
					t.Errorf("the share is %v, want %v", got, test.want)
				}
			})
		})
	}
}

// B75: whatever the calls, the share keeps its bounds, and changes once a step at most.
func TestShareKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		part := rapid.Float64Range(0.01, 1)
		config := adaptive.Config{Max: part.Draw(r, "max"), Increase: part.Draw(r, "increase"), Decrease: min(part.Draw(r, "decrease"), 0.99), Step: time.Second}
		config.Min = config.Max * part.Draw(r, "min")
		synctest.Test(t, func(t *testing.T) {
			s := adaptive.New(config)
			before, changed := s.Value(), time.Now()
			for range rapid.IntRange(1, 100).Draw(r, "adds") {
				time.Sleep(time.Duration(rapid.IntRange(0, 3000).Draw(r, "pause")) * time.Millisecond)
				all := rapid.IntRange(0, 20).Draw(r, "all")
				s.Add(rapid.IntRange(0, 1).Draw(r, "arm"), all, rapid.IntRange(0, all).Draw(r, "bad"))
				value := s.Value()
				if value < config.Min || value > config.Max {
					r.Errorf("the share is %v, want %v to %v", value, config.Min, config.Max)
				}
				if value == before {
					continue
				}
				if time.Since(changed) < config.Step {
					r.Errorf("the share changed from %v to %v after %v", before, value, time.Since(changed))
				}
				before, changed = value, time.Now()
			}
		})
	})
}

// B75: a share of the points is the primary's, the same ones each time.
func TestShareTakesThePointsBelowIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := adaptive.New(with(func(c *adaptive.Config) { c.Max = 0.25 }))
		for point, want := range map[uint64]bool{0: true, 1<<62 - 1<<20: true, 1 << 62: false, math.MaxUint64: false} {
			if got := s.Takes(point); got != want {
				t.Errorf("takes %x of a quarter: %v, want %v", point, got, want)
			}
		}
		if all := adaptive.New(whole); !all.Takes(1<<64 - 1<<11) {
			t.Error("the whole does not take a high point")
		}
	})
}
