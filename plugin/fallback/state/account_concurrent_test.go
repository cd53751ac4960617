package state_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Attempts that together fit into the limit are all allowed, however large the replica's lease is.
func TestConcurrentAttemptsUseAllOfTheLimit(t *testing.T) {
	for _, costs := range [][]int64{{10, 20}, {5, 95}, {10, 10, 80}, {1, 2, 3, 94}} {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := team(t, 1, state.Config{})
			var limit int64
			for _, cost := range costs {
				limit += cost
			}
			a := replicas[0].Account("tenant", limit, tomorrow())
			a.Prepare(t.Context(), costs[0]) // leases a part of the limit
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

// Calls that prepare at the same time share requests to the store.
func TestConcurrentPreparationsShareRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{})
		a := replicas[0].Account("tenant", 100, tomorrow())
		synctest.Wait()
		stores[0].trip.Store(int64(time.Millisecond))
		ctx, asked := counted(t.Context())
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { a.Prepare(ctx, 10) })
		}
		wg.Wait()
		if n := asked.Load(); n < 1 || n > 2 {
			t.Errorf("%d calls of the store, want 1 or 2", n)
		}
	})
}

// A lease that a call has prepared is kept for at least a second, also if the account was idle before.
func TestPreparedLeaseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		a := replicas[0].Account("tenant", 10*dollar, tomorrow())
		for _, idle := range []time.Duration{time.Second, 2 * time.Minute} {
			time.Sleep(idle)
			a.Prepare(t.Context(), dollar)
			time.Sleep(1100 * time.Millisecond)
			synctest.Wait()
			ctx, asked := counted(t.Context())
			if err := a.Reserve(ctx, dollar); err != nil || asked.Load() > 0 {
				t.Errorf("after %v: %v after %d calls of the store; want nil after none", idle, err, asked.Load())
			}
			a.Settle(dollar, 0)
		}
	})
}
