package state_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// B97: a replica that has not used a bucket for some minutes does not know what is left.
func TestLongUnusedBucketIsReadFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		b, other := replicas[0].Bucket("model", 60), replicas[1].Bucket("model", 60)
		b.Take(t.Context(), 1)
		time.Sleep(3 * time.Minute)
		if wait := other.Take(t.Context(), 60); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		time.Sleep(500 * time.Millisecond)
		if b.Take(t.Context(), 1) == 0 {
			t.Error("a token of an empty bucket")
		}
	})
}

// takes counts the requests for tokens.
type takes struct {
	state.Store
	n atomic.Int64
}

func (s *takes) Take(ctx context.Context, b state.Bucket, least, most int) (state.Tokens, error) {
	s.n.Add(1)
	return s.Store.Take(ctx, b, least, most)
}

func TestUnusedBucketIsNotReadForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &takes{Store: state.NewMemory()}
		replica(t, store, state.Config{}).Bucket("model", 60).Take(t.Context(), 1)
		time.Sleep(2 * time.Minute)
		before := store.n.Load()
		time.Sleep(time.Hour)
		if n := store.n.Load() - before; n != 0 {
			t.Errorf("%d requests in an hour without calls", n)
		}
	})
}

// B97: if all replicas used as much as a call needs, half of the bucket must be left.
func TestCreditOfAllReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 4, state.Config{})
		b := replicas[0].Bucket("model", 100)
		b.Take(t.Context(), 25)
		time.Sleep(10 * time.Millisecond)
		if !b.Ready(9) || b.Ready(10) {
			t.Errorf("75 tokens are left: ready for 9 is %t, for 10 is %t; want true and false", b.Ready(9), b.Ready(10))
		}
		b.Take(t.Context(), 30)
		time.Sleep(10 * time.Millisecond)
		if b.Ready(1) {
			t.Error("a bucket that is not half full has credit")
		}
	})
}

// B97: at most 1% of a minute's tokens, divided by the number of replicas, are used before they
// are taken from the store, whether or not the store has been sent the debt.
func TestCallsOfAMomentUseTheReplicasCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute, credit = 60_000, 150 // of four replicas
		replicas, stores := team(t, 4, state.Config{})
		b := replicas[0].Bucket("model", perMinute)
		time.Sleep(time.Second)
		stores[0].trip.Store(int64(time.Millisecond))
		for moment := range 3 { // what was used is taken in between
			for i := range credit {
				if i == credit/2 {
					synctest.Wait() // the debt so far is on its way
				}
				if began := time.Now(); !b.Ready(1) || b.Take(t.Context(), 1) > 0 || time.Since(began) > 0 {
					t.Fatalf("moment %d: call %d waits for the store", moment, i)
				}
			}
			if b.Ready(1) {
				t.Errorf("moment %d: more than the credit is used", moment)
			}
			time.Sleep(3 * time.Millisecond)
		}
	})
}

// The store's refusal of many tokens is not one of few, and is not final.
func TestRefusalIsForAsManyTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		b, other := replicas[0].Bucket("model", 60), replicas[1].Bucket("model", 60)
		for _, n := range []int{35, 20} {
			if wait := other.Take(t.Context(), n); wait > 0 {
				t.Fatalf("wait %v", wait)
			}
		}
		synctest.Wait()
		wait := b.Take(t.Context(), 20)
		if wait < 14*time.Second || wait > 16*time.Second {
			t.Errorf("wait %v for 20 tokens, of which 5 are left; want 15s", wait)
		}
		if again := b.Take(t.Context(), 20); again != wait {
			t.Errorf("wait %v at the same moment, want %v", again, wait)
		}
		if wait := b.Take(t.Context(), 5); wait > 0 {
			t.Errorf("wait %v for the 5 that are left", wait)
		}
		other.Settle(-20)
		time.Sleep(time.Second)
		if wait := b.Take(t.Context(), 20); wait > 0 {
			t.Errorf("wait %v for the 20 that another replica has given back", wait)
		}
	})
}

// B96: the first call that finds the store gone is admitted by what is known, as the next ones are.
func TestEmptyBucketStaysEmptyWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{})
		b := replicas[0].Bucket("model", 60)
		if wait := b.Take(t.Context(), 60); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		synctest.Wait()
		stores[0].set(refused)
		if wait := b.Take(t.Context(), 1); wait < 900*time.Millisecond || wait > 1001*time.Millisecond {
			t.Errorf("wait %v of an empty bucket, want a second", wait)
		}
	})
}

// B96: the share has what has been added since the bucket was read, also before its first call.
func TestShareIsFilledBeforeItsFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{})
		b := replicas[0].Bucket("model", 60)
		time.Sleep(30 * time.Second)
		b.Take(t.Context(), 60)
		synctest.Wait()
		stores[0].set(refused)
		time.Sleep(30 * time.Second)
		taken := 0
		for b.Take(t.Context(), 1) == 0 {
			taken++
		}
		if taken != 15 {
			t.Errorf("%d tokens after half a minute, want 15: half of what was added", taken)
		}
	})
}

// What a call has used beyond its estimate is known to other replicas at once.
func TestMoreTokensAreTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		b := replicas[0].Bucket("model", 60)
		b.Take(t.Context(), 10)
		synctest.Wait()
		b.Settle(40)
		synctest.Wait()
		if replicas[1].Bucket("model", 60).Take(t.Context(), 11) == 0 {
			t.Error("11 tokens were taken, of 10")
		}
	})
}

// A call of more tokens than the replica's share passes without the store, when the share is full.
func TestLargeCallPassesWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 4, state.Config{})
		b := replicas[0].Bucket("model", 60)
		b.Take(t.Context(), 1)
		stores[0].set(refused)
		time.Sleep(time.Minute)
		if wait := b.Take(t.Context(), 40); wait > 0 {
			t.Errorf("wait %v with a full share of 15", wait)
		}
		if wait := b.Take(t.Context(), 1); wait < 100*time.Second || wait > 105*time.Second {
			t.Errorf("then wait %v; want 104s, for 26 tokens", wait)
		}
	})
}

func TestNoBucketHasNoLimit(t *testing.T) {
	var s *state.Shared
	b := s.Bucket("model", 1)
	for range 2 {
		if wait := b.Take(t.Context(), 1); wait > 0 || !b.Ready(1) {
			t.Errorf("wait %v, ready %t", wait, b.Ready(1))
		}
		b.Settle(1)
	}
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 1, state.Config{})
		b := replicas[0].Bucket("model", 1)
		b.Take(t.Context(), 1)
		if wait := b.Take(t.Context(), 0); wait > 0 || !b.Ready(0) {
			t.Errorf("no tokens of an empty bucket: wait %v, ready %t", wait, b.Ready(0))
		}
	})
}
