package state_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// An attempt that began before the end of its account is charged to it afterwards, for an hour.
func TestLateAttemptIsCharged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		ends := time.Now().Add(time.Minute)
		a, b := replicas[0].Account("tenant", dollar, ends), replicas[1].Account("tenant", dollar, ends)
		reserve(t, a, dollar/2)
		time.Sleep(50 * time.Minute)
		a.Settle(dollar/2, dollar/4)
		b.Spent() // so that b asks
		time.Sleep(3 * time.Second)
		if got := b.Spent(); got != dollar/4 {
			t.Errorf("another replica knows of %d spent, want %d", got, dollar/4)
		}
	})
}

// B96: what an answer has taken more than estimated counts in the share of a replica without
// the store.
func TestSettleWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
		b := replicas[0].Bucket("model", 120)
		time.Sleep(state.DefaultBeat)
		stores[0].set(refused)
		time.Sleep(state.DefaultBeat)
		if wait := b.Take(t.Context(), 10); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		b.Settle(40) // 50 of its 60
		if wait := b.Take(t.Context(), 20); wait < 9*time.Second || wait > 11*time.Second {
			t.Errorf("wait %v for 20 of 10, want about 10s", wait)
		}
		b.Settle(-40)
		if wait := b.Take(t.Context(), 20); wait > 0 {
			t.Errorf("after 40 were given back: wait %v", wait)
		}
	})
}

// A replica owes at most a minute's tokens, also while the store is gone.
func TestDebtWithoutTheStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{Logger: (&journal{}).logger()})
		b := replicas[0].Bucket("model", 60)
		stores[0].set(refused)
		time.Sleep(state.DefaultBeat)
		for range 10 {
			b.Settle(600)
		}
		if wait := b.Take(t.Context(), 1); wait < 60*time.Second || wait > 62*time.Second {
			t.Errorf("wait %v for a token while 60 are owed, want about 61s", wait)
		}
		b.Settle(-30)
		if wait := b.Take(t.Context(), 1); wait < 30*time.Second || wait > 32*time.Second {
			t.Errorf("wait %v for a token while 30 are owed, want about 31s", wait)
		}
	})
}

// A replica that is killed counts as one for four beats.
func TestKilledReplicaCountsForFourBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
		stores[1].set(refused) // it says no more
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{1400 * time.Millisecond, 2}, {1200 * time.Millisecond, 1}} {
			time.Sleep(c.after)
			synctest.Wait()
			if n := replicas[0].Inspect().Shared.Replicas; n != c.want {
				t.Errorf("%d replicas, want %d", n, c.want)
			}
		}
	})
}

// B97: a replica that is closed leaves nothing behind: others have its lease, its tokens and
// what it had not said yet.
func TestCloseLeavesNothingUnsaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{})
		s := replicas[0]
		a, b, down := s.Account("tenant", dollar, tomorrow()), s.Bucket("model", 60), s.Flag("down", nil)
		reserve(t, a, dollar/10)
		b.Take(t.Context(), 1)
		synctest.Wait()
		a.Settle(dollar/10, dollar/20)
		b.Settle(9)
		down.Raise(time.Minute, "rate limit")
		s.Set("key", []byte("value"), time.Minute)
		s.Close()
		before := stores[0].calls.Load()
		time.Sleep(5 * time.Second)
		if n := stores[0].calls.Load() - before; n != 0 {
			t.Errorf("%d calls of the store after Close", n)
		}
		other := replica(t, stores[1].store.Load(), state.Config{})
		time.Sleep(time.Second)
		synctest.Wait()
		if n := other.Inspect().Shared.Replicas; n != 2 {
			t.Errorf("%d replicas, want 2: the closed one is none", n)
		}
		if err := other.Account("tenant", dollar, tomorrow()).Reserve(t.Context(), dollar*19/20); err != nil {
			t.Errorf("all that was not spent: %v", err)
		}
		if wait := other.Bucket("model", 60).Take(t.Context(), 60); wait < 3*time.Second || wait > 5*time.Second {
			t.Errorf("wait %v for 60, want 4s: ten were taken six seconds ago", wait)
		}
		if got := other.Get(t.Context(), "key"); string(got) != "value" {
			t.Errorf("the value is %q", got)
		}
		var e ear
		w := other.Flag("down", e.on)
		synctest.Wait()
		if heard := e.take(); len(heard) != 1 {
			t.Errorf("heard %+v, want the flag", heard)
		}
		w.Stop()
	})
}

// B97: a replica that is closed finishes what it is sending.
func TestCloseFinishesWhatItSends(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *state.Shared)
		known  func(ctx context.Context, other *state.Shared) bool
	}{
		"flag": {
			func(s *state.Shared) { s.Flag("down", nil).Raise(time.Minute, "rate limit") },
			func(_ context.Context, other *state.Shared) bool {
				var e ear
				defer other.Flag("down", e.on).Stop()
				synctest.Wait()
				return len(e.take()) == 1
			},
		},
		"value": {
			func(s *state.Shared) { s.Set("key", []byte("value"), time.Minute) },
			func(ctx context.Context, other *state.Shared) bool { return string(other.Get(ctx, "key")) == "value" },
		},
		"debt of a bucket": {
			func(s *state.Shared) { s.Bucket("model", 60).Settle(60) },
			func(ctx context.Context, other *state.Shared) bool {
				return other.Bucket("model", 60).Take(ctx, 60) > 0
			},
		},
		"spending": {
			func(s *state.Shared) { s.Account("tenant", dollar, tomorrow()).Settle(0, dollar) },
			func(ctx context.Context, other *state.Shared) bool {
				return other.Account("tenant", dollar, tomorrow()).Reserve(ctx, 1) == state.ErrLimit
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				replicas, stores := team(t, 2, state.Config{})
				stores[0].trip.Store(int64(10 * time.Millisecond))
				c.change(replicas[0])
				time.Sleep(time.Millisecond) // it is on its way
				replicas[0].Close()
				if !c.known(t.Context(), replicas[1]) {
					t.Error("the other replica does not know it")
				}
			})
		})
	}
}

// A store that is back for some seconds only is probed less and less often.
func TestProbesPauseLongerForAStoreThatComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{Logger: (&journal{}).logger()})
		var gone []string
		for range 5 {
			stores[0].set(refused)
			replicas[0].Get(t.Context(), "key")
			synctest.Wait()
			began := time.Now()
			stores[0].set(healthy)
			for !replicas[0].Inspect().Shared.Reachable {
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
			}
			gone = append(gone, time.Since(began).String())
			time.Sleep(5 * time.Second)
		}
		if got := fmt.Sprint(gone); got != "[100ms 200ms 400ms 800ms 1s]" {
			t.Errorf("it was back after %v; want 100ms, and then twice as long each time, to 1s", got)
		}
	})
}
