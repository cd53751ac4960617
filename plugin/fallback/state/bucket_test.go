package state_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// flood has askers take single tokens as fast as they may, for some time, and returns how
// many they got. askers says how many each replica has.
func flood(ctx context.Context, replicas []*state.Shared, perMinute int, askers []int, lasting time.Duration) (admitted int64) {
	var n atomic.Int64
	var wg sync.WaitGroup
	ends := time.Now().Add(lasting)
	for i, s := range replicas {
		b := s.Bucket("model", perMinute)
		for range askers[i] {
			wg.Go(func() {
				for time.Now().Before(ends) {
					wait := b.Take(ctx, 1)
					if wait == 0 {
						n.Add(1)
					}
					time.Sleep(min(max(wait, time.Millisecond), 20*time.Millisecond))
				}
			})
		}
	}
	wg.Wait()
	return n.Load()
}

// B97
func TestReplicasShareALimit(t *testing.T) {
	const perMinute = 100
	splits := [][]int{{1, 0, 0, 0}, {1, 1, 1, 1}, {50, 0, 0, 1}, {7, 7, 0, 0}, {1, 2, 30, 4}}
	r := rand.New(rand.NewPCG(97, 1))
	for range 8 {
		splits = append(splits, []int{r.IntN(8), r.IntN(8), r.IntN(8), 1 + r.IntN(8)})
	}
	for _, split := range splits {
		for _, lasting := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				replicas, stores := team(t, 4, state.Config{})
				for _, s := range stores {
					s.trip.Store(int64(300 * time.Microsecond))
				}
				want := int64(perMinute + lasting.Minutes()*perMinute) // what a full bucket holds, and its refill
				if got := flood(t.Context(), replicas, perMinute, split, lasting); got < want-1 || got > want+1 {
					t.Errorf("askers %v admitted %d in %v, want %d ± 1", split, got, lasting, want)
				}
			})
		}
	}
}

// What a replica has used before does not change what another may take.
func TestIdleReplicaHoldsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 4, state.Config{})
		for _, s := range replicas {
			if wait := s.Bucket("model", 100).Take(t.Context(), 1); wait > 0 {
				t.Fatalf("a full bucket: wait %v", wait)
			}
		}
		time.Sleep(10 * time.Second) // full again
		if got := flood(t.Context(), replicas, 100, []int{5, 0, 0, 0}, 600*time.Millisecond); got < 99 || got > 101 {
			t.Errorf("admitted %d, want 100 ± 1", got)
		}
	})
}

func TestTakeSeldomAsksTheStore(t *testing.T) {
	for _, c := range []struct {
		name      string
		perMinute int
		tokens    int
		every     time.Duration
	}{
		{"a call now and then", 100, 1, 2 * time.Second},
		{"many calls", 60_000, 1, 2 * time.Millisecond},
		{"tokens", 1_000_000, 3_000, 300 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			replicas, _ := team(t, 4, state.Config{})
			b := replicas[0].Bucket("model", c.perMinute)
			b.Take(t.Context(), c.tokens) // the first tells how large calls are
			ctx, asked := counted(t.Context())
			for range 100 {
				time.Sleep(c.every)
				synctest.Wait()
				before := asked.Load()
				if wait := b.Take(ctx, c.tokens); wait > 0 {
					t.Fatalf("%s: wait %v", c.name, wait)
				}
				if asked.Load() > before {
					t.Fatalf("%s: a call waits for the store", c.name)
				}
			}
		})
	}
}

func TestTakeAsksOnceAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		b := replicas[0].Bucket("model", 10)
		for range 300 {
			ctx, asked := counted(t.Context())
			b.Take(ctx, 1)
			if n := asked.Load(); n > 1 {
				t.Fatalf("%d calls of the store, want 1 at most", n)
			}
			time.Sleep(31 * time.Millisecond)
		}
	})
}

func TestWaitIsWhenTokensAreThere(t *testing.T) {
	for _, perMinute := range []int{60, 600} {
		synctest.Test(t, func(t *testing.T) {
			replicas, _ := team(t, 2, state.Config{})
			b, each := replicas[0].Bucket("model", perMinute), time.Minute/time.Duration(perMinute)
			taken := 0
			for b.Take(t.Context(), 1) == 0 {
				taken++
			}
			synctest.Wait()
			wait := b.Take(t.Context(), 1)
			if taken != perMinute || wait <= each*9/10 || wait > each+time.Millisecond {
				t.Fatalf("%d taken, then wait %v; want %d, and %v", taken, wait, perMinute, each)
			}
			time.Sleep(wait)
			if wait := b.Take(t.Context(), 1); wait > 0 {
				t.Errorf("after the wait: wait %v", wait)
			}
		})
	}
}

// given a full bucket of 60 and calls of ten, when they settle, then so much is left for
// another replica.
func TestSettleCorrectsTheBucket(t *testing.T) {
	for _, c := range []struct {
		name             string
		take, more, left int
	}{
		{"as estimated", 10, 0, 50},
		{"more", 10, 15, 35},
		{"less", 30, -25, 55},
		{"all that there is", 10, 50, 0},
		{"back more than was taken", 1, -100, 60},
	} {
		synctest.Test(t, func(t *testing.T) {
			memory := state.NewMemory()
			s := replica(t, memory, state.Config{})
			b := s.Bucket("model", 60)
			if wait := b.Take(t.Context(), c.take); wait > 0 {
				t.Fatalf("wait %v", wait)
			}
			b.Settle(c.more)
			s.Close()
			other := replica(t, memory, state.Config{}).Bucket("model", 60)
			got := 0
			for other.Take(t.Context(), 1) == 0 {
				got++
			}
			if got != c.left {
				t.Errorf("%s: %d left, want %d", c.name, got, c.left)
			}
		})
	}
}

// What a bucket does not hold is owed, and later calls wait for it.
func TestDebtIsPaidFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		b := replicas[0].Bucket("model", 60)
		if wait := b.Take(t.Context(), 60); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		b.Settle(20)
		b.Settle(10)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if wait := b.Take(t.Context(), 5); wait < 9*time.Second || wait > 11*time.Second {
			t.Errorf("wait %v, want 10s: 30 are owed, 25 were refilled, 5 are wanted", wait)
		}
		time.Sleep(12 * time.Second)
		if wait := b.Take(t.Context(), 5); wait > 0 {
			t.Errorf("after the debt is paid: wait %v", wait)
		}
		b.Settle(1000) // no more than a minute's worth is owed
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if wait := b.Take(t.Context(), 1); wait > 2*time.Second {
			t.Errorf("a minute after a large debt: wait %v", wait)
		}
	})
}

func TestLimitCanChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 1, state.Config{})
		b := replicas[0].Bucket("model", 60)
		for b.Take(t.Context(), 1) == 0 {
		}
		if again := replicas[0].Bucket("model", 600); again != b {
			t.Error("the key has another bucket")
		}
		time.Sleep(2 * time.Second)
		got := 0
		for b.Take(t.Context(), 1) == 0 {
			got++
		}
		if got < 19 || got > 21 {
			t.Errorf("%d in two seconds of 600 a minute, want 20", got)
		}
	})
}

// What is given back can be taken at once, though the store has just refused as much.
func TestTokensThatAreGivenBackAreTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 1, state.Config{})
		b := replicas[0].Bucket("model", 60)
		if wait := b.Take(t.Context(), 60); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		if wait := b.Take(t.Context(), 10); wait == 0 {
			t.Fatal("tokens from an empty bucket")
		}
		b.Settle(-10)
		synctest.Wait() // they are in the store
		if wait := b.Take(t.Context(), 10); wait > 0 {
			t.Errorf("wait %v", wait)
		}
	})
}

// answersLate is a store whose answers to Take come 2 ms after the tokens were taken.
type answersLate struct{ state.Store }

func (s answersLate) Take(ctx context.Context, b state.Bucket, least, most int) (state.Tokens, error) {
	got, err := s.Store.Take(ctx, b, least, most)
	if err == nil {
		err = pause(ctx, 2*time.Millisecond)
	}
	return got, err
}

// B97: a call that ends while the store answers takes no tokens.
func TestCancelledCallTakesNoTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := replica(t, answersLate{state.NewMemory()}, state.Config{}).Bucket("model", 10)
		if wait := b.Take(t.Context(), 6); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if wait := b.Take(ctx, 4); wait <= 0 {
			t.Error("a call that has ended took tokens")
		}
		time.Sleep(time.Second)
		if wait := b.Take(t.Context(), 4); wait > 0 {
			t.Errorf("wait %v for the tokens of the call that ended", wait)
		}
	})
}

// Ready tells, for every number of tokens, whether Take waits for the store.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 1, state.Config{Logger: (&journal{}).logger()})
		b := replicas[0].Bucket("model", 1000)
		for _, used := range []int{0, 300, 500} {
			if used > 0 {
				b.Take(t.Context(), used)
			}
			time.Sleep(10 * time.Millisecond) // the store knows
			for _, n := range []int{1, 10, 200, 400} {
				ctx, asked := counted(t.Context())
				ready := b.Ready(n)
				took := b.Take(ctx, n) == 0
				if waited := asked.Load() > 0; waited == ready {
					t.Errorf("%d used, %d wanted: ready %v, but waited %v", used, n, ready, waited)
				}
				if took {
					b.Settle(-n)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		stores[0].set(refused)
		time.Sleep(state.DefaultBeat)
		if !b.Ready(1000) {
			t.Error("a call would wait for a store that is gone")
		}
	})
}
