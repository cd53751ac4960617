package redis_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/adk-fallback/adk-fallback/internal/redistest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state/redis"
)

// onBoth runs a test on a server in memory and, if the machine has one, on a real one.
func onBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, "redis://"+miniredis.RunT(t).Addr()) })
	t.Run("server", func(t *testing.T) { test(t, redistest.Start(t).URL()) })
}

func open(t *testing.T, url string) state.Store {
	t.Helper()
	store, err := redis.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
