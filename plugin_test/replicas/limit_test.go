package replicas_test

import (
	"math"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
)

// B97: a limit of 100 per minute over four processes admits 100 calls, and those that the rate
// adds during the test, plus or minus one, however the calls are spread over the processes.
func TestLimitIsOfAllReplicas(t *testing.T) {
	all := starts(t, 4, setting{URL: redistest.Start(t).URL(), Timeout: patient})
	for name, callers := range map[string][]int{
		"equal":   {4, 4, 4, 4},
		"unequal": {1, 2, 4, 12},
		"one":     {0, 0, 0, 8},
	} {
		t.Run(name, func(t *testing.T) {
			if !admits(t, all, name, callers) {
				t.Error("a replica has lost the server meanwhile")
			}
		})
	}
}

// admits floods a bucket of 100 per minute and checks how many are admitted. It checks nothing
// and returns false if a replica had no server meanwhile, and so its own share of the bucket.
func admits(t *testing.T, all []*process, key string, callers []int) bool {
	t.Helper()
	const lasts = 1200 * time.Millisecond
	reports := each(all, func(i int) order {
		return order{Do: "flood", Key: key, Limit: 100, Callers: callers[i], For: lasts}
	})
	admitted, began, ended := int64(0), int64(math.MaxInt64), int64(0)
	var by []int64
	for i, r := range reports {
		if r.Lost {
			t.Logf("replica %d has lost the server meanwhile", i)
			return false
		}
		admitted += r.N
		by = append(by, r.N)
		if callers[i] > 0 {
			began, ended = min(began, r.Began), max(ended, r.Ended)
		}
	}
	took := time.Duration(ended - began)
	least, most := int64(100+math.Floor(lasts.Minutes()*100)-1), int64(100+math.Floor(took.Minutes()*100)+1)
	t.Logf("%v callers: %d admitted, %v, in %v; from %d to %d are right", callers, admitted, by, took.Round(time.Millisecond), least, most)
	if admitted < least || admitted > most {
		t.Errorf("%d admitted, want from %d to %d", admitted, least, most)
	}
	return true
}
