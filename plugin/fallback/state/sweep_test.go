package state

import (
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// What nobody uses any more leaves the memory of a replica.
func TestUnusedThingsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(NewMemory(), Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		counts := func() [4]int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return [4]int{len(s.flags), len(s.buckets), len(s.active), len(s.accounts)}
		}
		held := s.Flag("held", nil)
		s.Flag("ended", nil).Raise(time.Second, "")
		bucket := s.Bucket("idle", 60)
		bucket.Take(t.Context(), 1)
		s.Account("tenant", 1000, time.Now().Add(time.Minute)).Settle(0, 1)
		if got := counts(); got != [4]int{2, 1, 1, 1} {
			t.Fatalf("%d flags, buckets, active buckets, accounts; want 2, 1, 1, 1", got)
		}
		time.Sleep(time.Minute + lateness + 2*time.Second)
		for range 10 { // a beat that looks at the switch while memory is marked keeps it once more
			runtime.GC()
			time.Sleep(2 * time.Second)
		}
		if got := counts(); got != [4]int{1, 1, 0, 0} {
			t.Errorf("%d flags, buckets, active buckets, accounts; want 1, 1, 0, 0", got)
		}
		bucket.Take(t.Context(), 1)
		if got := counts(); got[2] != 1 {
			t.Errorf("a bucket that is used again is not active")
		}
		runtime.KeepAlive(held)
	})
}
