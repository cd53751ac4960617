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
