// Package storetest has the tests that every [state.Store] must pass.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// With calls f with an empty store, and with a function that lets so much of the store's time
// pass. It may call f in a bubble of synctest, and may call t.Parallel first.
type With func(t *testing.T, f func(t *testing.T, s state.Store, advance func(time.Duration)))

// Run runs the tests. Times are such that a store on a real clock passes unless the machine
// stands still for half a second.
func Run(t *testing.T, with With) {
	t.Run("Take", func(t *testing.T) { take(t, with) })
	t.Run("Lease", func(t *testing.T) { lease(t, with) })
	t.Run("Values", func(t *testing.T) { values(t, with) })
	t.Run("Flags", func(t *testing.T) { flags(t, with) })
	t.Run("Replicas", func(t *testing.T) { replicas(t, with) })
	t.Run("Pushes", func(t *testing.T) { pushes(t, with) })
	t.Run("Spaces", func(t *testing.T) { spaces(t, with) })
	t.Run("Ended", func(t *testing.T) { ended(t, with) })
}

// slack is how much earlier a store on a real clock may say that something ends.
const slack = 500 * time.Millisecond

// about reports whether a time that is left is want, or less because time has passed.
func about(got, want time.Duration) bool {
	if want == 0 {
		return got == 0
	}
	return got > 0 && got <= want+time.Millisecond && got >= want-slack
}

// ended: a context that has ended is an error of every method, at once.
func ended(t *testing.T, with With) {
	with(t, func(t *testing.T, s state.Store, _ func(time.Duration)) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, do := range map[string]func() error{
			"Take": func() error { _, err := s.Take(ctx, state.Bucket{Key: "b", PerMinute: 1}, 1, 1); return err },
			"Lease": func() error {
				_, err := s.Lease(ctx, state.Account{Key: "a", Limit: 1, Ends: time.Hour}, state.Change{Replica: "r", Most: 1, TTL: time.Hour})
				return err
			},
			"Get":    func() error { _, err := s.Get(ctx, "v"); return err },
			"Set":    func() error { return s.Set(ctx, "v", []byte("x"), time.Hour) },
			"Raise":  func() error { return s.Raise(ctx, "", state.Flag{Key: "f", For: time.Hour}) },
			"Beat":   func() error { _, _, err := s.Beat(ctx, "", "r", time.Hour); return err },
			"Listen": func() error { return s.Listen(ctx, "", func(state.Flag) {}) },
		} {
			if err := do(); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}
