package replicas_test

import (
	"math"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
)

// B97: a limit of 100 per minute over four processes admits 100, and what a minute's rate adds
// in the meantime, give or take one. It does not matter which of them asks how often.
func TestLimitIsOfAllReplicas(t *testing.T) {
	all := starts(t, 4, setting{URL: redistest.Start(t).URL(), Timeout: patient})
	for name, callers := range map[string][]int{
		"equal":   {4, 4, 4, 4},
		"unequal": {1, 2, 4, 12},
		"one":     {0, 0, 0, 8},
	} {
		t.Run(name, func(t *testing.T) { admits(t, all, name, callers) })
	}
}

// admits floods a bucket of 100 per minute and checks how many are admitted.
func admits(t *testing.T, all []*process, key string, callers []int) {
	t.Helper()
	reports := each(all, func(i int) order {
		return order{Do: "flood", Key: key, Limit: 100, Callers: callers[i], For: 1800 * time.Millisecond}
	})
	admitted, began, ended := int64(0), int64(math.MaxInt64), int64(0)
	for i, r := range reports {
		t.Logf("%d callers: %d admitted", callers[i], r.N)
		admitted += r.N
		if callers[i] > 0 {
			began, ended = min(began, r.Began), max(ended, r.Ended)
		}
	}
	took := time.Duration(ended - began)
	least, most := int64(100+math.Floor(1.8/60*100)-1), int64(100+math.Floor(took.Minutes()*100)+1)
	t.Logf("%d admitted in %v; from %d to %d are right", admitted, took.Round(time.Millisecond), least, most)
	if admitted < least || admitted > most {
		t.Errorf("%d admitted, want from %d to %d", admitted, least, most)
	}
}
