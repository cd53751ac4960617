package state_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// B97: tokens given back by a call that took longer than a minute go back to the store, too.
// Otherwise the replica would use them in any later minute, beside all that the store has.
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
