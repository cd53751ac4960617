package quantile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/quantile"
)

func TestPercentileOfTheLatestCalls(t *testing.T) {
	var l quantile.Latencies
	for i := range quantile.MinSamples {
		if got, ok := l.P95(); ok {
			t.Fatalf("%v after %d calls, want none", got, i)
		}
		l.Add(time.Duration(quantile.MinSamples-i) * time.Second) // 20 s to 1 s
	}
	if got, ok := l.P95(); got != 19*time.Second || !ok {
		t.Errorf("%v, %v for 1 s to 20 s, want 19 s", got, ok)
	}
	for range quantile.Window {
		l.Add(time.Second)
	}
	if got, _ := l.P95(); got != time.Second {
		t.Errorf("%v after a whole window of 1 s", got)
	}
}

// With Every, a burst counts as one call, once enough calls are known: of 21 calls with one
// slow one, the percentile is that of the others; of 22 with two, it is that of the slow.
func TestBurstCountsAsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := quantile.Latencies{Every: time.Second}
		for range quantile.MinSamples {
			l.Add(time.Second)
		}
		for _, want := range []time.Duration{time.Second, time.Minute} {
			time.Sleep(time.Second)
			for range 100 {
				l.Add(time.Minute)
			}
			if got, ok := l.P95(); got != want || !ok {
				t.Errorf("%v, %v after another burst of slow calls, want %v", got, ok, want)
			}
		}
	})
}
