package state_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// faults are what can be wrong with a store, and how long the first call may be held up.
var faults = []struct {
	name  string
	fault fault
	first time.Duration
}{
	{"slow", slow, state.DefaultTimeout},
	{"frozen", frozen, state.DefaultTimeout},
	{"refused", refused, 0},
	{"full", full, 0},
}

// calls are those that may wait for the store.
var calls = []struct {
	name string
	do   func(ctx context.Context, s *state.Shared, key string) (failed bool)
	full bool // fails if the store is full
}{
	{"take", func(ctx context.Context, s *state.Shared, key string) bool {
		return s.Bucket(key, 100).Take(ctx, 1) > 0
	}, true},
	{"reserve", func(ctx context.Context, s *state.Shared, key string) bool {
		return s.Account(key, dollar, tomorrow()).Reserve(ctx, dollar/100) != nil
	}, true},
	{"get", func(ctx context.Context, s *state.Shared, key string) bool { return s.Get(ctx, key) != nil }, false},
}

// B96
func TestOnlyTheFirstCallWaitsForABrokenStore(t *testing.T) {
	for _, f := range faults {
		for _, call := range calls {
			synctest.Test(t, func(t *testing.T) {
				log := &journal{}
				replicas, stores := team(t, 4, state.Config{Logger: log.logger()})
				s := replicas[0]
				stores[0].set(f.fault)
				for i := range 200 {
					ctx, asked := counted(t.Context())
					started := time.Now()
					failed := call.do(ctx, s, fmt.Sprintf("key %d", i)) // which nobody has asked for before
					took := time.Since(started)
					most, asks := time.Duration(0), int64(0)
					if i == 0 {
						most, asks = f.first, 1
					}
					gone := f.fault != full || call.full
					if failed || took > most || gone && asked.Load() > asks {
						t.Fatalf("%s, %s: call %d: failed %v, took %v, asked %d times; want no failure, %v, %d times", f.name, call.name, i+1, failed, took, asked.Load(), most, asks)
					}
					if i%10 == 0 {
						time.Sleep(100 * time.Millisecond) // 2 s in all
					}
				}
				log.check(t, "the store is unavailable")
				if n := s.Inspect(); n.Shared.Reachable || n.Shared.Problem == "" || n.Shared.Replicas != 4 {
					t.Errorf("%s, %s: Inspect: %+v", f.name, call.name, n.Shared)
				}
				stores[0].set(healthy)
				time.Sleep(2 * time.Second)
				log.check(t, "the store is unavailable", "the store is back")
				if n := s.Inspect(); !n.Shared.Reachable || n.Shared.Problem != "" {
					t.Errorf("%s, %s: Inspect after: %+v", f.name, call.name, n.Shared)
				}
			})
		}
	}
}

// A call that ends before the store has answered says nothing about the store.
func TestCallerThatLeavesIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		replicas, stores := team(t, 1, state.Config{Logger: log.logger(), Beat: time.Hour})
		s := replicas[0]
		bucket, account := s.Bucket("model", 10), s.Account("tenant", dollar, tomorrow())
		for bucket.Take(t.Context(), 1) == 0 {
		}
		synctest.Wait()
		time.Sleep(61 * time.Second) // nothing is sent in the background
		stores[0].set(frozen)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if wait := bucket.Take(ctx, 10); wait == 0 {
			t.Error("Take: tokens from a frozen store")
		}
		if err := account.Reserve(ctx, dollar); err != context.DeadlineExceeded {
			t.Errorf("Reserve: %v, want the error of ctx", err)
		}
		s.Get(ctx, "key")
		log.check(t)
		stores[0].set(healthy)
		if err := account.Reserve(t.Context(), dollar); err != nil {
			t.Errorf("Reserve after: %v", err)
		}
	})
}

// B96: limits fall to a share each, and what was admitted meanwhile is counted afterwards.
func TestLimitIsSharedOutWhileTheStoreIsGone(t *testing.T) {
	const perMinute = 100
	for _, f := range faults {
		for _, split := range [][]int{{5, 5, 5, 5}, {30, 1, 1, 1}} {
			synctest.Test(t, func(t *testing.T) {
				replicas, stores := team(t, 4, state.Config{Logger: (&journal{}).logger()})
				began := time.Now()
				before := flood(t.Context(), replicas, perMinute, []int{1, 0, 0, 0}, 30*time.Millisecond) // some are taken
				time.Sleep(300 * time.Millisecond)                                                        // all know
				for _, s := range stores {
					s.set(f.fault)
				}
				time.Sleep(time.Second) // beats notice it
				during := flood(t.Context(), replicas, perMinute, split, 30*time.Second)
				most := int64(perMinute + time.Since(began).Minutes()*perMinute)
				if got := before + during; got > most+4 || got < most-4 {
					t.Errorf("%s: askers %v: %d + %d admitted, want %d ± 1 each", f.name, split, before, during, most)
				}
				for _, s := range stores {
					s.set(healthy)
				}
				time.Sleep(1100 * time.Millisecond)
				for i, s := range replicas { // the first that is back does not take the others to have ended
					if n := s.Inspect().Shared.Replicas; n != 4 {
						t.Errorf("%s: replica %d knows of %d, want 4", f.name, i, n)
					}
				}
				after := flood(t.Context(), replicas, perMinute, split, 30*time.Second)
				most = int64(perMinute + time.Since(began).Minutes()*perMinute)
				if got := before + during + after; got > most+1 || got < most-8 {
					t.Errorf("%s: askers %v: %d + %d + %d admitted, want %d, or 2 less for each replica", f.name, split, before, during, after, most)
				}
			})
		}
	}
}

// B96: so do budgets, unless they deny. What was spent meanwhile is counted afterwards.
func TestBudgetIsSharedOutWhileTheStoreIsGone(t *testing.T) {
	for _, f := range faults {
		for _, deny := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				replicas, stores := team(t, 4, state.Config{Deny: deny, Logger: (&journal{}).logger()})
				var accounts []*state.SharedAccount
				for _, s := range replicas {
					accounts = append(accounts, s.Account("tenant", 10*dollar, tomorrow()))
				}
				accounts[0].Settle(0, 2*dollar)
				time.Sleep(2 * time.Second)
				for _, s := range stores {
					s.set(f.fault)
				}
				time.Sleep(11 * time.Second) // leases have run out
				var spent int64
				for _, a := range accounts {
					for {
						err := a.Reserve(t.Context(), dollar/10)
						if deny && err != state.ErrUnavailable || !deny && err != nil && err != state.ErrLimit {
							t.Fatalf("%s, deny %v: %v", f.name, deny, err)
						}
						if err != nil {
							break
						}
						a.Settle(dollar/10, dollar/10)
						spent += dollar / 10
					}
				}
				if want := int64(8 * dollar); !deny && (spent > want || spent < want*9/10) {
					t.Errorf("%s: spent %d, want about %d", f.name, spent, want)
				}
				for _, s := range stores {
					s.set(healthy)
				}
				time.Sleep(3 * time.Second)
				for _, a := range accounts {
					if got := a.Spent(); got != 2*dollar+spent {
						t.Errorf("%s, deny %v: afterwards, %d spent, want %d", f.name, deny, got, 2*dollar+spent)
					}
					if err := a.Reserve(t.Context(), 1); deny != (err == nil) && spent == 8*dollar {
						t.Errorf("%s, deny %v: afterwards: %v", f.name, deny, err)
					}
				}
			})
		}
	}
}

// With Deny, what was leased before can be spent until the lease runs out.
func TestLeaseOutlivesTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Deny: true, Logger: (&journal{}).logger()})
		a := replicas[0].Account("tenant", 100*dollar, tomorrow())
		reserve(t, a, dollar/10)
		time.Sleep(2 * time.Second)
		stores[0].set(frozen)
		time.Sleep(2 * time.Second)
		reserve(t, a, dollar/10)
		time.Sleep(9 * time.Second)
		if err := a.Reserve(t.Context(), dollar/10); err != state.ErrUnavailable {
			t.Errorf("after the lease has run out: %v, want ErrUnavailable", err)
		}
	})
}

// B96: flags that were raised or lowered meanwhile are known to all afterwards, also if the
// store has forgotten everything.
func TestFlagsConvergeAfterAnOutage(t *testing.T) {
	for _, f := range faults {
		for _, forgets := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				replicas, stores := team(t, 3, state.Config{Logger: (&journal{}).logger()})
				var ears [3]map[string]*ear
				var switches [3]map[string]*state.Switch
				for i, s := range replicas {
					ears[i], switches[i] = make(map[string]*ear), make(map[string]*state.Switch)
					for _, key := range []string{"before", "meanwhile", "lowered", "over"} {
						e := &ear{}
						ears[i][key], switches[i][key] = e, s.Flag(key, e.on)
					}
				}
				switches[0]["before"].Raise(time.Hour, "before")
				switches[0]["lowered"].Raise(time.Hour, "lowered")
				synctest.Wait()
				for _, s := range stores {
					s.set(f.fault)
				}
				time.Sleep(time.Second)
				switches[1]["meanwhile"].Raise(time.Hour, "meanwhile")
				switches[1]["over"].Raise(5*time.Second, "over")
				switches[0]["lowered"].Lower()
				time.Sleep(30 * time.Second)
				if heard := ears[2]["meanwhile"].take(); len(heard) != 0 {
					t.Errorf("%s: heard %+v from a broken store", f.name, heard)
				}
				memory := state.NewMemory()
				for _, s := range stores {
					if forgets {
						s.store.Store(memory)
					}
					s.set(healthy)
				}
				time.Sleep(4 * time.Second)
				late := replica(t, stores[2], state.Config{Replica: "late"})
				time.Sleep(time.Second)
				for key, want := range map[string]bool{"before": true, "meanwhile": true, "lowered": false, "over": false} {
					var e ear
					w := late.Flag(key, e.on)
					time.Sleep(time.Second)
					if heard := e.take(); (len(heard) > 0) != want {
						t.Errorf("%s, forgets %v: a new replica heard %+v of %s, want %v", f.name, forgets, heard, key, want)
					}
					heard := ears[2][key].take()
					if n := len(heard); key != "over" && (n == 0 || (heard[n-1].For > 0) != want) || key == "over" && n > 0 {
						t.Errorf("%s, forgets %v: another replica heard %+v of %s, want %v at last", f.name, forgets, heard, key, want)
					}
					if key == "before" && len(heard) != 1 {
						t.Errorf("%s, forgets %v: a flag that was up all the time was told %d times: %+v", f.name, forgets, len(heard), heard)
					}
					runtime.KeepAlive(w)
				}
				runtime.KeepAlive(switches)
			})
		}
	}
}

// A store that lost its data learns again what was spent.
func TestStoreThatForgotLearnsWhatWasSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
		a, b := replicas[0].Account("tenant", 10*dollar, tomorrow()), replicas[1].Account("tenant", 10*dollar, tomorrow())
		a.Settle(0, 3*dollar)
		b.Settle(0, 2*dollar)
		time.Sleep(3 * time.Second)
		memory := state.NewMemory()
		for _, s := range stores {
			s.store.Store(memory)
		}
		time.Sleep(3 * time.Second)
		if a.Spent() != 5*dollar || b.Spent() != 5*dollar {
			t.Errorf("%d and %d spent, want 5 dollars", a.Spent(), b.Spent())
		}
	})
}

// B96: one replica of four is cut off for 30 s under load. No call fails for it, and the limit is
// exceeded by its share at most.
func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 100 * dollar
		replicas, stores := team(t, 4, state.Config{Logger: (&journal{}).logger()})
		r := rand.New(rand.NewPCG(96, 1))
		go func() {
			time.Sleep(10 * time.Second)
			stores[0].set(frozen)
			time.Sleep(30 * time.Second)
			stores[0].set(healthy)
		}()
		var spent int64
		for range 6000 { // a minute
			time.Sleep(10 * time.Millisecond)
			s := replicas[r.IntN(4)]
			started := time.Now()
			a := s.Account("tenant", limit, tomorrow())
			cost := r.Int64N(dollar / 100)
			if err := a.Reserve(t.Context(), cost); err != nil {
				t.Fatalf("after %d spent: %v", spent, err)
			}
			if wait := s.Bucket("model", 100_000).Take(t.Context(), 1); wait > 0 {
				t.Fatalf("wait %v", wait)
			}
			s.Get(t.Context(), "key")
			a.Settle(cost, cost)
			spent += cost
			if took := time.Since(started); took > state.DefaultTimeout {
				t.Fatalf("a call took %v", took)
			}
		}
		time.Sleep(3 * time.Second)
		for i, s := range replicas {
			if got := s.Account("tenant", limit, tomorrow()).Spent(); got != spent {
				t.Errorf("replica %d knows of %d spent, want %d", i, got, spent)
			}
		}
	})
}

// The background does not flood a store that is gone.
func TestProbesPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{Logger: (&journal{}).logger()})
		s := replicas[0]
		b, a, w := s.Bucket("model", 60), s.Account("tenant", dollar, tomorrow()), s.Flag("down", nil)
		stores[0].set(refused)
		time.Sleep(time.Second)
		stores[0].calls.Store(0)
		for range 600 {
			b.Take(t.Context(), 1)
			a.Reserve(t.Context(), 1)
			w.Raise(time.Hour, "x")
			s.Set("key", []byte("value"), time.Hour)
			time.Sleep(100 * time.Millisecond)
		}
		if n := stores[0].calls.Load(); n < 50 || n > 70 {
			t.Errorf("%d calls of a store that is gone in a minute, want about 60", n)
		}
	})
}

// What a minute of an outage has added again is not owed.
func TestNoMoreIsOwedThanTheShareLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{Logger: (&journal{}).logger()})
		b := replicas[0].Bucket("model", 60)
		stores[0].set(refused)
		time.Sleep(time.Second)
		if wait := b.Take(t.Context(), 60); wait > 0 {
			t.Fatalf("wait %v for this replica's share, which is all", wait)
		}
		time.Sleep(30 * time.Second)
		stores[0].set(healthy)
		time.Sleep(2 * time.Second)
		if wait := b.Take(t.Context(), 60); wait < 26*time.Second || wait > 29*time.Second {
			t.Errorf("after half a minute: wait %v, want 28s", wait)
		}
		stores[0].set(refused)
		time.Sleep(40 * time.Second)
		stores[0].set(healthy)
		time.Sleep(2 * time.Second)
		if wait := b.Take(t.Context(), 60); wait > 0 {
			t.Errorf("after more than a minute: wait %v", wait)
		}
	})
}

// Many calls at once share exchanges with the store: none waits for long behind others, so that
// a store that answers in time is not taken to be slow.
func TestBurstIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		replicas, stores := team(t, 2, state.Config{Logger: log.logger()})
		s := replicas[0]
		b, a := s.Bucket("model", 1000), s.Account("tenant", dollar, tomorrow())
		synctest.Wait()
		stores[0].trip.Store(int64(2 * time.Millisecond))
		ctx, asked := counted(t.Context())
		var taken, reserved atomic.Int64
		var wg sync.WaitGroup
		started := time.Now()
		for range 1200 {
			wg.Go(func() {
				if b.Take(ctx, 1) == 0 {
					taken.Add(1)
				}
			})
			wg.Go(func() {
				if a.Reserve(ctx, dollar/1000) == nil {
					reserved.Add(1)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 1000 || reserved.Load() != 1000 {
			t.Errorf("%d taken and %d reserved, want 1000", taken.Load(), reserved.Load())
		}
		if took := time.Since(started); took > 20*time.Millisecond || asked.Load() > 12 {
			t.Errorf("took %v, asked %d times; want some exchanges of 2ms", took, asked.Load())
		}
		log.check(t)
	})
}
