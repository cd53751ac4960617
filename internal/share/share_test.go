package share_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/share"
)

// B74, B76
func TestExtraWorkIsAShareOfTheCalls(t *testing.T) {
	for _, c := range []struct {
		name             string
		share, most, now float64
		calls, want      int
	}{
		{"a tenth, from nothing", 0.1, 10, 0, 1000, 100},
		{"a tenth, from a full budget", 0.1, 10, 10, 1000, 109},
		{"as much as there are calls", 1, 1, 0, 50, 50},
		{"less than one in a million", 1e-9, 1, 1, 1000, 1},
		{"one in a million at the least", 1e-9, 1, 0, 1_000_000, 1},
		{"less than a unit is saved", 0.5, 0.1, 0, 4, 2},
	} {
		b, taken := share.New(c.share, c.most, c.now), 0
		for range c.calls {
			b.Earn()
			for b.Take() {
				taken++
			}
		}
		if taken != c.want {
			t.Errorf("%s: %d units in %d calls, want %d", c.name, taken, c.calls, c.want)
		}
	}
}

func TestSavingsAreBounded(t *testing.T) {
	for _, c := range []struct {
		name             string
		share, most, now float64
		calls            int
	}{
		{"calls fill it exactly", 0.5, 3, 0, 100},
		{"the last call earns more than there is room for", 0.7, 3, 0, 100},
		{"more than the most at first", 0.5, 3, 10, 0},
	} {
		b, taken := share.New(c.share, c.most, c.now), 0
		for range c.calls {
			b.Earn()
		}
		if units, most := b.Balance(); units != 3 || most != 3 {
			t.Errorf("%s: %v of %v units were saved, want 3 of 3", c.name, units, most)
		}
		for b.Take() {
			taken++
		}
		if taken != 3 {
			t.Errorf("%s: %d units were saved, want 3", c.name, taken)
		}
	}
}

func TestConcurrentTakersShareOneBudget(t *testing.T) {
	b := share.New(0.1, 100, 100)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for b.Take() {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if taken.Load() != 100 {
		t.Errorf("%d units were taken, want 100", taken.Load())
	}
}
