package state_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// B97: tokens given back by a call that took longer than a minute go back to the store, too.
// Otherwise the replica would use them in a later minute, in addition to all that the store has.
func TestTokensOfALongCallGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute = 60
		replicas, _ := team(t, 2, state.Config{})
		b, other := replicas[0].Bucket("model", perMinute), replicas[1].Bucket("model", perMinute)
		if wait := b.Take(t.Context(), perMinute); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		time.Sleep(2 * time.Minute)
		b.Settle(-perMinute)
		time.Sleep(time.Hour)
		if wait := other.Take(t.Context(), perMinute); wait > 0 {
			t.Fatalf("another replica: wait %v", wait)
		}
		time.Sleep(time.Second)
		if b.Take(t.Context(), perMinute/2) == 0 {
			t.Errorf("replicas used %d of %d tokens within a second", perMinute+perMinute/2, perMinute)
		}
	})
}

// B97: while a call waits for the tokens that it needs beside those given back, no other call
// uses those.
func TestTokensGivenBackAreUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute, trip = 60, 2 * time.Millisecond
		replicas, stores := team(t, 1, state.Config{})
		b := replicas[0].Bucket("model", perMinute)
		if wait := b.Take(t.Context(), 50); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		time.Sleep(time.Second) // 11 are left
		stores[0].trip.Store(int64(trip))
		b.Settle(-20)
		go func() {
			if wait := b.Take(t.Context(), 30); wait > 0 { // 10 from the store
				t.Errorf("wait %v", wait)
			}
		}()
		time.Sleep(trip / 2)
		if b.Take(t.Context(), 20) == 0 {
			t.Error("two calls used the same tokens")
		}
		time.Sleep(time.Second)
	})
}
