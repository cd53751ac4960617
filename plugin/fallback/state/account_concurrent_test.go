package state_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Attempts that fit into the limit together are all allowed, whatever the lease is that they find.
func TestConcurrentAttemptsUseAllOfTheLimit(t *testing.T) {
	for _, costs := range [][]int64{{10, 20}, {5, 95}, {10, 10, 80}, {1, 2, 3, 94}} {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := team(t, 1, state.Config{})
			var limit int64
			for _, cost := range costs {
				limit += cost
			}
			a := replicas[0].Account("tenant", limit, tomorrow())
			a.Prepare(t.Context(), costs[0]) // which leases some
			stores[0].trip.Store(int64(time.Millisecond))
			var wg sync.WaitGroup
			for i := range costs {
				cost := costs[len(costs)-1-i]
				wg.Go(func() {
					if err := a.Reserve(t.Context(), cost); err != nil {
						t.Errorf("%d of %v: %v", cost, costs, err)
					}
				})
				synctest.Wait() // the largest is waiting for the store
			}
			wg.Wait()
			if got := a.Reserved(); got != limit {
				t.Errorf("%d is set aside, want %d", got, limit)
			}
		})
	}
}
