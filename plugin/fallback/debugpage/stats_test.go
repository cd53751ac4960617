package debugpage_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
)

// Percentiles of durations from a quarter of a millisecond to ten minutes are within 4.5 %.
func TestPercentiles(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		page := debugpage.New(debugpage.Config{})
		var all []float64
		for range 1 + random.IntN(500) {
			d := time.Duration(float64(250*time.Microsecond) * math.Exp(random.Float64()*math.Log(2_400_000)))
			all = append(all, float64(d)/float64(time.Millisecond))
			page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: "m", Outcome: call.OK, Duration: d, FirstContent: d})
		}
		slices.Sort(all)
		w := read(t, page, "").Targets[0].Windows[0]
		for percent, got := range map[int]float64{50: w.Duration.P50, 95: w.Duration.P95, 99: w.FirstContent.P99} {
			want := all[(len(all)*percent+99)/100-1]
			if math.Abs(got-want) > 0.045*want {
				t.Errorf("seed %d: P%d of %d is %v ms, want %v", seed, percent, len(all), got, want)
			}
		}
	}
}

// Durations beyond the scale are at its ends.
func TestPercentilesBeyondTheScale(t *testing.T) {
	page := debugpage.New(debugpage.Config{})
	for _, d := range []time.Duration{-time.Second, 0, 1, math.MaxInt64} {
		page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: "m", Outcome: call.OK, Duration: d})
	}
	w := read(t, page, "").Targets[0].Windows[0]
	if w.Duration.P50 != 0.125 || w.Duration.P99 != float64(1<<20) || w.Count != 4 {
		t.Errorf("%+v", w)
	}
}

// Windows slide: what is older than theirs is not counted.
func TestWindowsSlide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		for _, c := range []struct {
			after time.Duration
			want  [3]int
		}{
			{0, [3]int{1, 1, 1}},
			{49 * time.Second, [3]int{2, 2, 2}},
			{30 * time.Second, [3]int{2, 3, 3}},
			{4 * time.Minute, [3]int{1, 3, 4}},
			{50 * time.Minute, [3]int{1, 1, 5}},
			{10 * time.Minute, [3]int{1, 1, 2}},
		} {
			time.Sleep(c.after)
			page.Hooks().OnAttempt(t.Context(), call.Attempt{Model: "m", Outcome: call.OK, Cost: 0.25, InputTokens: 10, OutputTokens: 1})
			page.Hooks().OnEnd(t.Context(), call.Result{Outcome: call.OK})
			s := read(t, page, "")
			for i, of := range [][]window{s.Targets[0].Windows, s.Calls} {
				if got := [3]int{of[0].Count, of[1].Count, of[2].Count}; got != c.want {
					t.Errorf("after %v, %d: counts %v, want %v", c.after, i, got, c.want)
				}
			}
			if w := s.Targets[0].Windows[2]; w.Cost != 0.25*float64(c.want[2]) || w.InputTokens != 10*c.want[2] || w.OutputTokens != c.want[2] {
				t.Errorf("after %v: %+v", c.after, w)
			}
		}
		time.Sleep(2 * time.Hour)
		if s := read(t, page, ""); s.Calls[2].Count != 0 || s.Targets[0].Health != "idle" || s.Status != "idle" {
			t.Errorf("two hours later: %+v", s)
		}
	})
}

// A rate is per minute of the time that was counted: a young page does not divide by an hour.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := debugpage.New(debugpage.Config{})
		for range 120 {
			page.Hooks().OnEnd(t.Context(), call.Result{Outcome: call.OK})
			time.Sleep(time.Second)
		}
		w := read(t, page, "").Calls
		for i, want := range []float64{60, 60, 60} {
			if got := w[i].PerMinute; got < 0.8*want || got > 1.02*want {
				t.Errorf("%d minutes: %v per minute, want %v", w[i].Minutes, got, want)
			}
		}
	})
}
