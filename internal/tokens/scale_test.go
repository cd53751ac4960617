package tokens_test

import (
	"sync"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/tokens"
)

func TestScale(t *testing.T) {
	type scale = tokens.Scale
	for name, test := range map[string]struct {
		learn func(s *scale)
		want  int // estimate for a million counted tokens
	}{
		"zero value":                            {func(*scale) {}, 1_000_000},
		"a higher count counts at once":         {func(s *scale) { s.Learn(1000, 1500) }, 666_666},
		"a lower one by an eighth":              {func(s *scale) { s.Learn(1000, 500) }, 1_066_666},                     // 0.9375
		"a lower one than before by an eighth":  {func(s *scale) { s.Learn(1000, 2000); s.Learn(1000, 1200) }, 526_315}, // 1.9
		"a higher one than before":              {func(s *scale) { s.Learn(1000, 2000); s.Learn(1000, 4000) }, 250_000},
		"five lower ones go half the way":       {func(s *scale) { times(5, func() { s.Learn(1000, 500) }) }, 1_321_956},
		"a short request teaches":               {func(s *scale) { s.Learn(200, 400) }, 500_000},
		"a shorter one does not":                {func(s *scale) { s.Learn(199, 398) }, 1_000_000},
		"the lowest count":                      {func(s *scale) { s.Learn(1000, 1) }, 1_142_693}, // 0.875125
		"no count":                              {func(s *scale) { s.Learn(1000, 0) }, 1_000_000},
		"a negative count":                      {func(s *scale) { s.Learn(1000, -1000) }, 1_000_000},
		"no count of an empty request":          {func(s *scale) { s.Learn(0, 0) }, 1_000_000},
		"counts are bounded above":              {func(s *scale) { s.Learn(1000, 9000) }, 125_000},
		"up to eight times":                     {func(s *scale) { s.Learn(1000, 7500) }, 133_333},
		"counts are bounded below":              {func(s *scale) { times(100, func() { s.Learn(1000, 100) }) }, 4_000_000},
		"down to a quarter":                     {func(s *scale) { times(500, func() { s.Learn(1000, 300) }) }, 3_333_333},
		"refused at the window":                 {func(s *scale) { s.TooLong(1000, 1000) }, 909_090}, // 1.1
		"refused at half of the window":         {func(s *scale) { s.TooLong(500, 1000) }, 454_545},  // 2.2
		"refused above the window":              {func(s *scale) { s.TooLong(2000, 1000) }, 1_000_000},
		"refused again at the corrected length": {func(s *scale) { s.TooLong(1000, 1000); s.TooLong(s.Estimate(1000), 1000) }, 826_363},
		"a refusal does not lower":              {func(s *scale) { s.Learn(1000, 3000); s.TooLong(1000, 1000) }, 333_333},
		"a refusal raises what is lower":        {func(s *scale) { times(9, func() { s.Learn(1000, 500) }); s.TooLong(1000, 1000) }, 909_090},
		"refusals are bounded":                  {func(s *scale) { s.TooLong(1, 1_000_000) }, 125_000},
		"refused without a length":              {func(s *scale) { s.TooLong(0, 2) }, 454_545}, // as with one token
	} {
		var s scale
		test.learn(&s)
		if got := s.Estimate(1_000_000); got != test.want {
			t.Errorf("%s: Estimate = %d, want %d", name, got, test.want)
		}
	}
}

func times(n int, f func()) {
	for range n {
		f()
	}
}

func TestCorrectionsOfAScaleAtOnceAreAllKept(t *testing.T) {
	const callers, each, counted = 4, 60, 1 << 52 // so long a count that the last correction shows too
	lower := func(s *tokens.Scale) { s.Learn(1000, 500) }
	var want tokens.Scale
	times(callers*each, func() { lower(&want) })
	for range 500 {
		var s tokens.Scale
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range callers {
			wg.Go(func() {
				<-start
				times(each, func() {
					s.TooLong(4000, 1000) // changes nothing, whenever it comes
					lower(&s)
				})
			})
		}
		close(start)
		wg.Wait()
		if got, want := s.Estimate(counted), want.Estimate(counted); got != want {
			t.Fatalf("after %d corrections, %d callers at once: Estimate = %d, want %d", callers*each, callers, got, want)
		}
	}
}
