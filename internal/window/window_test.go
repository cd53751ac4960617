package window_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/window"
)

func sum(w *window.Window[int], now time.Time) int {
	n := 0
	for v := range w.All(now) {
		n += v
	}
	return n
}

func TestWindowSlides(t *testing.T) {
	w := window.New[int](10 * time.Second)
	start := time.Unix(1e9, 0)
	if got := sum(&w, start); got != 0 {
		t.Errorf("an empty window has %d", got)
	}
	for second := range 25 {
		*w.At(start.Add(time.Duration(second) * time.Second))++
		if got, want := sum(&w, start.Add(time.Duration(second)*time.Second)), min(second+1, 10); got != want {
			t.Errorf("after second %d it has %d, want %d", second, got, want)
		}
	}
	if got := sum(&w, start.Add(29*time.Second)); got != 5 {
		t.Errorf("five seconds later it has %d, want 5", got)
	}
	if got := sum(&w, start.Add(time.Hour)); got != 0 {
		t.Errorf("an hour later it has %d, want 0", got)
	}
}

func TestLatestIsInOrder(t *testing.T) {
	w := window.NewSlots[int](4*time.Second, 4)
	start := time.Unix(1e9, 0)
	for _, second := range []int{0, 1, 3, 4} {
		*w.At(start.Add(time.Duration(second) * time.Second)) = second + 10
	}
	for _, c := range []struct{ second, n int }{{4, 4}, {4, 2}, {6, 4}, {20, 4}} {
		var got []int
		for v := range w.Latest(start.Add(time.Duration(c.second)*time.Second), c.n) {
			if v == nil {
				got = append(got, 0)
			} else {
				got = append(got, *v)
			}
		}
		all := map[int]int{1: 11, 3: 13, 4: 14}
		var want []int
		for second := c.second - c.n + 1; second <= c.second; second++ {
			want = append(want, all[second])
		}
		if !slices.Equal(got, want) {
			t.Errorf("the latest %d at second %d are %v, want %v", c.n, c.second, got, want)
		}
	}
}

// Callers that race for a lock may come with times that are not in order.
func TestEarlierTimeLosesNothing(t *testing.T) {
	w := window.New[int](10 * time.Second)
	start := time.Unix(1e9, 0)
	*w.At(start)++
	*w.At(start.Add(10 * time.Second))++ // in the same place of the ring as start
	*w.At(start)++
	if got := sum(&w, start.Add(10*time.Second)); got != 2 {
		t.Errorf("%d are kept, want what came late counted with the latest: 2", got)
	}
}

// Whatever the pauses, what is kept is at least the last nine tenths and at most
// the whole length.
func TestWindowKeepsItsLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "length"))
		w := window.New[int](length)
		now := time.Unix(1e9, 0)
		var kept []time.Time
		for range rapid.IntRange(1, 50).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(length)).Draw(t, "pause")))
			*w.At(now)++
			kept = append(kept, now)
			// A slot is as long as a tenth can be without fractions.
			slot := max(length/10, 1)
			least, most := 0, 0
			for _, at := range kept {
				if age := now.Sub(at); age <= 9*slot {
					least++
				}
				if age := now.Sub(at); age < 10*slot {
					most++
				}
			}
			if got := sum(&w, now); got < least || got > most {
				t.Fatalf("%d are kept, want %d to %d", got, least, most)
			}
		}
	})
}
