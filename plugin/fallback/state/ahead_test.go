package state_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// trip is the time of a round trip to the store.
const trip = time.Millisecond

// distant returns two replicas of a store that is a round trip away.
func distant(t *testing.T) ([]*state.Shared, []*faulty) {
	replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
	for _, s := range stores {
		s.trip.Store(int64(trip))
	}
	return replicas, stores
}

// low returns a bucket of 60 with so few tokens left that calls wait for the store.
func low(t *testing.T, s *state.Shared) *state.SharedBucket {
	t.Helper()
	b := s.Bucket("model", 60)
	if wait := b.Take(t.Context(), 40); wait > 0 {
		t.Fatalf("wait %v", wait)
	}
	time.Sleep(10 * trip)
	return b
}

// drain returns how many tokens another replica can take.
func drain(t *testing.T, s *state.Shared) (n int) {
	t.Helper()
	b := s.Bucket("model", 60)
	for b.Take(t.Context(), 1) == 0 {
		n++
	}
	return n
}

// Calls that start at any time during the exchanges of others wait for at most one round trip.
func TestTakeWaitsForOneRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name  string
		calls int
		after time.Duration // between calls
		each  func(b *state.SharedBucket)
	}{
		{"at once", 10, 0, func(*state.SharedBucket) {}},
		{"one during another", 10, trip / 4, func(*state.SharedBucket) {}},
		{"during a correction", 10, trip / 2, func(b *state.SharedBucket) { b.Settle(1); b.Settle(-1) }},
		{"during the reading of the bucket", 10, 73 * time.Millisecond, func(*state.SharedBucket) {}},
	} {
		synctest.Test(t, func(t *testing.T) {
			replicas, _ := distant(t)
			b := low(t, replicas[0])
			var calls sync.WaitGroup
			for i := range c.calls {
				calls.Go(func() {
					started := time.Now()
					if wait := b.Take(t.Context(), 1); wait > 0 {
						t.Errorf("%s: call %d: wait %v", c.name, i, wait)
					}
					if took := time.Since(started); took > trip {
						t.Errorf("%s: call %d took %v, want %v at most", c.name, i, took, trip)
					}
					c.each(b)
				})
				time.Sleep(c.after)
			}
			calls.Wait()
		})
	}
}

// Announced calls that wait for something else for one round trip do not wait again. They take
// what they need and no more.
func TestAnnouncedCallDoesNotWait(t *testing.T) {
	for _, sizes := range [][]int{{1}, {5}, {1, 1, 1}, {2, 3, 4}, {6, 1, 5, 2}} {
		synctest.Test(t, func(t *testing.T) {
			replicas, _ := distant(t)
			b, a := low(t, replicas[0]), replicas[0].Account("tenant", dollar, tomorrow())
			var calls sync.WaitGroup
			left := 20
			for _, n := range sizes {
				left -= n
				calls.Go(func() {
					b.Ahead(n)
					a.Ahead(dollar / 1000)
					time.Sleep(trip)
					started := time.Now()
					if wait := b.Take(t.Context(), n); wait > 0 {
						t.Errorf("%v: wait %v", sizes, wait)
					}
					if err := a.Reserve(t.Context(), dollar/1000); err != nil {
						t.Errorf("%v: %v", sizes, err)
					}
					if took := time.Since(started); took > 0 {
						t.Errorf("%v: took %v, want no wait", sizes, took)
					}
				})
			}
			calls.Wait()
			time.Sleep(10 * trip)
			if got := drain(t, replicas[1]); got != left {
				t.Errorf("%v: %d tokens left, want %d", sizes, got, left)
			}
		})
	}
}

// Tokens taken for a call that does not come go back: at once if the announcement is taken back,
// otherwise soon. Until then, a call that was not announced can use them.
func TestAnnouncedCallThatDoesNotCome(t *testing.T) {
	for _, c := range []struct {
		name  string
		then  func(b *state.SharedBucket)
		after time.Duration
		left  int
	}{
		{"said at once", func(b *state.SharedBucket) { b.Ahead(-7) }, 5 * trip, 20},
		{"said later", func(b *state.SharedBucket) { time.Sleep(2 * trip); b.Ahead(-7) }, 3 * trip, 20},
		{"said twice", func(b *state.SharedBucket) { b.Ahead(-7); b.Ahead(-7) }, 5 * trip, 20},
		{"not said, yet", func(*state.SharedBucket) {}, 5 * trip, 13},
		{"not said", func(*state.SharedBucket) {}, 510 * time.Millisecond, 20},
		{"another comes", func(b *state.SharedBucket) { b.Take(context.Background(), 7) }, 510 * time.Millisecond, 13},
	} {
		synctest.Test(t, func(t *testing.T) {
			replicas, _ := distant(t)
			b := low(t, replicas[0])
			b.Ahead(7)
			c.then(b)
			time.Sleep(c.after)
			if got := drain(t, replicas[1]); got != c.left {
				t.Errorf("%s: %d tokens left, want %d", c.name, got, c.left)
			}
		})
	}
}

// Ahead sets tokens of a full bucket aside without an exchange, but no more than calls may use
// before they are taken.
func TestAnnouncedCallsOfAFullBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := distant(t)
		b := replicas[0].Bucket("model", 60)
		time.Sleep(10 * trip)
		for range 3 {
			b.Ahead(10)
		}
		time.Sleep(trip)
		for i := range 3 {
			started := time.Now()
			if wait := b.Take(t.Context(), 10); wait > 0 || time.Since(started) > 0 {
				t.Errorf("call %d: wait %v, after %v", i, wait, time.Since(started))
			}
		}
		time.Sleep(10 * trip)
		if got := drain(t, replicas[1]); got != 30 {
			t.Errorf("%d tokens left, want 30", got)
		}
	})
}

// B96: announcements to a store that is gone, or that goes meanwhile, change nothing.
func TestAnnouncedCallWithoutTheStore(t *testing.T) {
	for _, f := range faults {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := distant(t)
			b, a := low(t, replicas[0]), replicas[0].Account("tenant", dollar, tomorrow())
			stores[0].set(f.fault)
			for i := range 10 {
				b.Ahead(1)
				a.Ahead(dollar / 2)
				started := time.Now()
				if wait := b.Take(t.Context(), 1); wait > 0 {
					t.Errorf("%s: call %d: wait %v", f.name, i, wait)
				}
				if took := time.Since(started); took > state.DefaultTimeout || i > 0 && took > 0 {
					t.Errorf("%s: call %d took %v", f.name, i, took)
				}
			}
			if wait := b.Take(t.Context(), 1); wait == 0 {
				t.Errorf("%s: more than the replica's share, of 20 for two", f.name)
			}
		})
	}
}

// After Close, Ahead takes nothing.
func TestAnnouncedCallAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := distant(t)
		b, a := low(t, replicas[0]), replicas[0].Account("tenant", dollar, tomorrow())
		b.Ahead(3)
		replicas[0].Close()
		before := stores[0].calls.Load()
		b.Ahead(1)
		a.Ahead(1)
		b.Take(t.Context(), 1)
		time.Sleep(time.Second)
		if n := stores[0].calls.Load() - before; n != 0 {
			t.Errorf("%d calls of the store after Close", n)
		}
		var none *state.SharedBucket
		var nobody *state.SharedAccount
		none.Ahead(1)
		nobody.Ahead(1)
		if !none.Ready(1) {
			t.Error("no bucket is not ready")
		}
	})
}

// A bucket is ready if Take would not wait for the store.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := distant(t)
		b := replicas[0].Bucket("model", 60)
		for i := range 200 {
			ready := b.Ready(1)
			started := time.Now()
			b.Take(t.Context(), 1)
			if waited := time.Since(started) > 0; waited == ready {
				t.Fatalf("call %d: ready %v, took %v", i, ready, time.Since(started))
			}
			time.Sleep(time.Duration(i%5) * 7 * time.Millisecond)
			synctest.Wait()
		}
	})
}
