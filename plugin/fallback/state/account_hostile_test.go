package state_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// stingy is a store that leases nothing, although all of the limit is free.
type stingy struct {
	*faulty
	enough func() // called if calls go on asking
}

func (s stingy) Lease(ctx context.Context, _ state.Account, _ state.Change) (state.Balance, error) {
	err := s.before(ctx, true)
	if n, ok := ctx.Value(onPath{}).(*atomic.Int64); ok && n.Load() > 10 {
		s.enough()
	}
	return state.Balance{}, err
}

// A call asks a store that refuses it once, even if the store's answer says that the limit is not reached.
func TestReserveEndsWhateverTheStoreSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, asked := counted(t.Context())
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		store := &faulty{}
		store.store.Store(state.NewMemory())
		a := replica(t, stingy{store, stop}, state.Config{}).Account("tenant", dollar, tomorrow())
		synctest.Wait()
		if err := a.Reserve(ctx, dollar/2); err != state.ErrLimit || asked.Load() != 1 {
			t.Errorf("%v after %d requests; want ErrLimit after one", err, asked.Load())
		}
	})
}
