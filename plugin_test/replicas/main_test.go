package replicas_test

import (
	"os"
	"slices"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	os.Exit(m.Run())
}

// strict makes the figures of the documentation count.
func strict() bool { return os.Getenv("REPLICAS_STRICT") != "" }

// patient is a timeout with which a busy machine does not look like a server that is gone.
const patient = 2 * time.Second

// outage returns how long outages last.
func outage(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("REPLICAS_OUTAGE")
	if text == "" {
		return time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// within polls until a condition holds.
func within(t *testing.T, most time.Duration, what string, holds func() bool) {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > most {
			t.Fatalf("%s: not within %v", what, most)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond))
}

// percentile returns the p-th percentile of times, and the longest.
func percentile(times []time.Duration, p float64) (at, longest time.Duration) {
	if len(times) == 0 {
		return 0, 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, int(p/100*float64(len(times))))], times[len(times)-1]
}
