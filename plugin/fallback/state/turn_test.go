package state_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// B96: a background request may take longer than a call may wait. A call that needs its answer
// waits no longer than for a request of its own.
func TestCallWaitsForABackgroundRequestAtMostTimeout(t *testing.T) {
	for _, c := range []struct {
		name string
		use  func(t *testing.T, s *state.Shared) (again func(ctx context.Context) bool)
	}{
		{"reserve", func(t *testing.T, s *state.Shared) func(context.Context) bool {
			a := s.Account("tenant", dollar, tomorrow())
			return func(ctx context.Context) bool { return a.Reserve(ctx, dollar/2) == nil }
		}},
		{"take", func(t *testing.T, s *state.Shared) func(context.Context) bool {
			b := s.Bucket("model", 60)
			synctest.Wait() // it has been read
			if wait := b.Take(t.Context(), 40); wait > 0 {
				t.Fatalf("wait %v", wait)
			}
			b.Settle(-5) // the background puts them back
			return func(ctx context.Context) bool { return b.Take(ctx, 10) == 0 }
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := team(t, 1, state.Config{Beat: time.Hour, Logger: (&journal{}).logger()})
			time.Sleep(490 * time.Millisecond)
			again := c.use(t, replicas[0])
			synctest.Wait()
			stores[0].set(frozen)
			time.Sleep(20 * time.Millisecond) // after 10 ms of these, the background sends the account or the bucket
			ctx, asked := counted(t.Context())
			began := time.Now()
			allowed := again(ctx)
			if took := time.Since(began); !allowed || took != state.DefaultTimeout || asked.Load() > 0 {
				t.Errorf("%s: allowed %v after %v and %d requests of its own; want true after %v and none", c.name, allowed, took, asked.Load(), state.DefaultTimeout)
			}
		})
	}
}
