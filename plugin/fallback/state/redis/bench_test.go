package redis_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// What a round trip costs.
func BenchmarkStore(b *testing.B) {
	store, err := redis.Open(redistest.Start(b).URL())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	for name, do := range map[string]func() error{
		"Take": func() error {
			_, err := store.Take(b.Context(), state.Bucket{Key: "bucket", PerMinute: 1e9}, 1, 1)
			return err
		},
		"Lease": func() error {
			_, err := store.Lease(b.Context(), state.Account{Key: "account", Limit: 1e15, Ends: time.Hour}, state.Change{Replica: "a", Most: 1e6, TTL: time.Minute})
			return err
		},
		"Get": func() error {
			_, err := store.Get(b.Context(), "none")
			return err
		},
		"Beat": func() error {
			_, _, err := store.Beat(b.Context(), "space:", "a", time.Minute)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
