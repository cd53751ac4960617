package state_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/internal/storetest"
)

func TestMemoryIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, f func(*testing.T, state.Store, func(time.Duration))) {
		synctest.Test(t, func(t *testing.T) { f(t, state.NewMemory(), time.Sleep) })
	})
}

// A wait is rounded up, so that the bucket holds the tokens after it, also at a rate at which a
// token takes less than a microsecond.
func TestMemoryWaitsUntilTokensAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, b := state.NewMemory(), state.Bucket{Key: "fast", PerMinute: 70_000_000}
		for _, c := range []struct {
			after time.Duration
			least int
			want  state.Tokens
		}{
			{0, b.PerMinute, state.Tokens{Taken: b.PerMinute}},
			{857 * time.Nanosecond, 1, state.Tokens{Wait: time.Nanosecond}}, // 0.9998
			{time.Nanosecond, 1, state.Tokens{Taken: 1}},
		} {
			time.Sleep(c.after)
			if got, err := store.Take(t.Context(), b, c.least, c.least); err != nil || got != c.want {
				t.Errorf("%d after %v: %+v, %v; want %+v", c.least, c.after, got, err, c.want)
			}
		}
	})
}
