package state_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

const dollar = 1_000_000_000

// tomorrow is when accounts of these tests end.
func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

// spend has askers of each replica make attempts of random cost until they are refused,
// again and again for some time. It returns what was spent.
func spend(t *testing.T, replicas []*state.Shared, limit int64, askers []int, seed uint64, lasting time.Duration) int64 {
	var spent atomic.Int64
	var wg sync.WaitGroup
	ends := time.Now().Add(lasting)
	for i, s := range replicas {
		a := s.Account("tenant", limit, tomorrow())
		for k := range askers[i] {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(100*i+k)))
				for time.Now().Before(ends) {
					n := r.Int64N(limit/50) + 1
					if err := a.Reserve(t.Context(), n); err == nil {
						time.Sleep(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
						cost := n - r.Int64N(n/2+1)
						spent.Add(cost)
						a.Settle(n, cost)
					} else if !errors.Is(err, state.ErrLimit) {
						t.Errorf("Reserve: %v", err)
					}
					time.Sleep(time.Duration(r.Int64N(int64(50 * time.Millisecond))))
				}
			})
		}
	}
	wg.Wait()
	return spent.Load()
}

// B97: so do budgets.
func TestReplicasShareABudget(t *testing.T) {
	const limit = 10 * dollar
	splits := [][]int{{1, 0, 0, 0}, {1, 1, 1, 1}, {20, 0, 0, 1}, {1, 2, 30, 4}}
	r := rand.New(rand.NewPCG(97, 2))
	for range 4 {
		splits = append(splits, []int{r.IntN(8), r.IntN(8), r.IntN(8), 1 + r.IntN(8)})
	}
	for seed, split := range splits {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := team(t, 4, state.Config{})
			for _, s := range stores {
				s.trip.Store(int64(300 * time.Microsecond))
			}
			spent := spend(t, replicas, limit, split, uint64(seed), time.Minute)
			if spent > limit {
				t.Errorf("askers %v spent %d, more than %d", split, spent, int64(limit))
			}
			time.Sleep(3 * time.Second) // what others have leased goes back
			last := replicas[0].Account("tenant", limit, tomorrow())
			if rest := limit - spent; rest > 0 {
				if err := last.Reserve(t.Context(), rest); err != nil {
					t.Errorf("askers %v: the last %d cannot be spent by one replica: %v", split, rest, err)
				}
				last.Settle(rest, rest)
			}
			if err := last.Reserve(t.Context(), 1); err != state.ErrLimit {
				t.Errorf("askers %v: with nothing left: %v, want ErrLimit", split, err)
			}
			for _, s := range replicas {
				s.Account("tenant", limit, tomorrow()).Spent() // who reads it is kept up to date
			}
			time.Sleep(3 * time.Second)
			for i, s := range replicas {
				if got := s.Account("tenant", limit, tomorrow()).Spent(); got != limit {
					t.Errorf("askers %v: replica %d knows of %d spent, want %d", split, i, got, int64(limit))
				}
			}
		})
	}
}

// Prepare gets the lease that Reserve then needs, and sets nothing aside.
func TestReserveNeedNotWaitAfterPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		one, other := replicas[0].Account("tenant", 10*dollar, tomorrow()), replicas[1].Account("tenant", 10*dollar, tomorrow())
		ctx, asked := counted(t.Context())
		one.Prepare(ctx, 9*dollar)
		if got := one.Reserved(); got != 0 || asked.Load() != 1 {
			t.Errorf("%d is set aside after %d calls of the store; want 0 after 1", got, asked.Load())
		}
		if err := one.Reserve(ctx, 9*dollar); err != nil || asked.Load() != 1 {
			t.Errorf("Reserve: %v after %d calls of the store; want nil after 1", err, asked.Load())
		}
		other.Prepare(ctx, 9*dollar) // which is not there
		before := asked.Load()
		if err := other.Reserve(ctx, 9*dollar); err != state.ErrLimit || asked.Load() != before {
			t.Errorf("Reserve: %v after %d calls of the store; want ErrLimit after none", err, asked.Load()-before)
		}
	})
}

// One attempt that costs more than it had reserved exceeds the limit by the difference only.
func TestLimitIsExceededByWhatWasReservedTooLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 4, state.Config{})
		dear := replicas[3].Account("tenant", dollar, tomorrow())
		if err := dear.Reserve(t.Context(), dollar/10); err != nil {
			t.Fatal(err)
		}
		dear.Settle(dollar/10, dollar/2)
		if spent := dollar/2 + spend(t, replicas, dollar, []int{3, 3, 3, 3}, 7, time.Minute); spent > dollar+dollar*4/10 {
			t.Errorf("spent %d, want at most 1.4 dollars", spent)
		}
	})
}

func TestReserveSeldomAsksTheStore(t *testing.T) {
	for _, c := range []struct {
		name        string
		limit, cost int64
		every       time.Duration
	}{
		{"small calls", 100 * dollar, dollar / 1000, 10 * time.Millisecond},
		{"a call now and then", 100 * dollar, dollar / 10, 7 * time.Second},
		{"large calls", 10 * dollar, dollar / 30, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			replicas, _ := team(t, 4, state.Config{})
			a := replicas[0].Account("tenant", c.limit, tomorrow())
			a.Reserve(t.Context(), c.cost) // the first tells how large calls are
			a.Settle(c.cost, c.cost)
			for i := range 100 {
				time.Sleep(c.every)
				synctest.Wait()
				ctx, asked := counted(t.Context())
				a.Prepare(ctx, c.cost)
				if err := a.Reserve(ctx, c.cost); err != nil {
					t.Fatal(err)
				}
				a.Settle(c.cost, c.cost)
				if asked.Load() > 0 {
					t.Fatalf("%s: call %d waits for the store", c.name, i+1)
				}
			}
		})
	}
}

func TestReserveAsksOnceAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		refused := 0
		for i := range 600 {
			a := replicas[i%2].Account("tenant", dollar, tomorrow())
			ctx, asked := counted(t.Context())
			if a.Reserve(ctx, dollar/100) == nil {
				a.Settle(dollar/100, dollar/300)
			} else {
				refused++
			}
			if n := asked.Load(); n > 1 {
				t.Fatalf("%d calls of the store, want 1 at most", n)
			}
			time.Sleep(31 * time.Millisecond)
		}
		if refused == 0 {
			t.Error("the limit is never reached")
		}
	})
}

// A tenant that floods does not flood the store when its money is spent.
func TestRefusedCallsSeldomAskTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		a := replicas[0].Account("tenant", dollar, tomorrow())
		b := replicas[0].Bucket("model", 60)
		a.Settle(0, 2*dollar)
		b.Settle(60)
		time.Sleep(time.Second)
		ctx, asked := counted(t.Context())
		for range 1000 {
			a.Prepare(ctx, dollar)
			if err := a.Reserve(ctx, dollar); err != state.ErrLimit {
				t.Fatalf("Reserve: %v, want ErrLimit", err)
			}
			if wait := b.Take(ctx, 30); wait == 0 {
				t.Fatal("Take: tokens from an empty bucket")
			}
			time.Sleep(time.Millisecond)
		}
		if n := asked.Load(); n > 20 {
			t.Errorf("2000 refused calls in a second asked the store %d times, want at most 20", n)
		}
	})
}

// given an account of a dollar, each row is what replica a does, and how much replica b can
// reserve after a while.
func TestWhatAnotherReplicaCanReserve(t *testing.T) {
	const cent = dollar / 100
	for _, c := range []struct {
		name  string
		do    func(t *testing.T, s *state.Shared, store *faulty, a *state.SharedAccount)
		after time.Duration
		want  int64 // at most; and one cent more is refused
	}{
		{"nothing happened", func(*testing.T, *state.Shared, *faulty, *state.SharedAccount) {}, 62 * time.Second, 100 * cent},
		{"an attempt is in progress", func(t *testing.T, _ *state.Shared, _ *faulty, a *state.SharedAccount) {
			reserve(t, a, 80*cent)
		}, 5 * time.Minute, 20 * cent},
		{"an attempt has ended", func(t *testing.T, _ *state.Shared, _ *faulty, a *state.SharedAccount) {
			reserve(t, a, 80*cent)
			a.Settle(80*cent, 95*cent)
		}, 3 * time.Second, 5 * cent},
		{"an attempt cost nothing", func(t *testing.T, _ *state.Shared, _ *faulty, a *state.SharedAccount) {
			reserve(t, a, 95*cent)
			a.Settle(95*cent, 0)
		}, 62 * time.Second, 100 * cent},
		{"a call was prepared and not made", func(t *testing.T, _ *state.Shared, _ *faulty, a *state.SharedAccount) {
			a.Prepare(t.Context(), 90*cent)
		}, 62 * time.Second, 100 * cent},
		{"closed", func(t *testing.T, s *state.Shared, _ *faulty, a *state.SharedAccount) {
			reserve(t, a, 80*cent)
			a.Settle(20*cent, 10*cent)
			s.Close()
		}, 0, 90 * cent},
		{"crashed", func(t *testing.T, _ *state.Shared, store *faulty, a *state.SharedAccount) {
			reserve(t, a, 80*cent)
			a.Settle(20*cent, 10*cent)
			time.Sleep(2 * time.Second)
			store.set(refused)
		}, 11 * time.Second, 90 * cent},
		{"crashed just now", func(t *testing.T, _ *state.Shared, store *faulty, a *state.SharedAccount) {
			reserve(t, a, 99*cent)
			store.set(refused)
		}, time.Second, cent * 3 / 4}, // it has leased a quarter of a cent ahead
	} {
		synctest.Test(t, func(t *testing.T) {
			replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
			a := replicas[0].Account("tenant", dollar, tomorrow())
			c.do(t, replicas[0], stores[0], a)
			time.Sleep(c.after)
			b := replicas[1].Account("tenant", dollar, tomorrow())
			synctest.Wait()
			if err := b.Reserve(t.Context(), c.want+1); err != state.ErrLimit {
				t.Errorf("%s: more than %d: %v, want ErrLimit", c.name, c.want, err)
			}
			time.Sleep(200 * time.Millisecond)
			if err := b.Reserve(t.Context(), c.want); err != nil {
				t.Errorf("%s: %d: %v", c.name, c.want, err)
			}
		})
	}
}

func reserve(t *testing.T, a *state.SharedAccount, n int64) {
	t.Helper()
	if err := a.Reserve(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

// Answers that are lost on the way charge nobody twice.
func TestSpendingIsChargedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Logger: (&journal{}).logger()})
		a := replicas[0].Account("tenant", 10*dollar, tomorrow())
		for i := range 40 {
			stores[0].lose.Store(i%4 == 1)
			reserve(t, a, dollar/10)
			time.Sleep(100 * time.Millisecond)
			a.Settle(dollar/10, dollar/10)
			time.Sleep(time.Second)
		}
		stores[0].lose.Store(false)
		time.Sleep(5 * time.Second)
		if got := replicas[1].Account("tenant", 10*dollar, tomorrow()); got.Spent() != 0 {
			t.Fatal("the other replica has asked before")
		}
		time.Sleep(time.Second)
		if got := replicas[1].Account("tenant", 10*dollar, tomorrow()).Spent(); got != 4*dollar {
			t.Errorf("another replica knows of %d spent, want %d", got, int64(4*dollar))
		}
	})
}

func TestAccountWithoutLimitCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, stores := team(t, 2, state.Config{Deny: true, Logger: (&journal{}).logger()})
		a, b := replicas[0].Account("tenant", 0, tomorrow()), replicas[1].Account("tenant", 0, tomorrow())
		ctx, asked := counted(t.Context())
		a.Prepare(ctx, 1<<60)
		if n := asked.Load(); n > 0 {
			t.Errorf("%d calls of the store, want none", n)
		}
		reserve(t, a, 1<<60)
		reserve(t, a, 1<<60)
		if got := a.Reserved(); got != 1<<61 {
			t.Errorf("%d reserved, want both", got)
		}
		a.Settle(1<<60, 5*dollar)
		a.Settle(1<<60, dollar)
		time.Sleep(2 * time.Second)
		if got := b.Spent(); got != 6*dollar || a.Spent() != got || a.Reserved() != 0 || a.Share() != 0 {
			t.Errorf("spent %d and %d, reserved %d, share %v; want 6 dollars, 0, 0", got, a.Spent(), a.Reserved(), a.Share())
		}
		stores[0].set(refused)
		time.Sleep(time.Second)
		reserve(t, a, dollar) // it has nothing to deny
	})
}

func TestNoAccountHasNoLimit(t *testing.T) {
	var s *state.Shared
	a := s.Account("tenant", 1, tomorrow())
	a.Prepare(t.Context(), dollar)
	reserve(t, a, dollar)
	a.Settle(dollar, dollar)
	if a.Spent() != 0 || a.Reserved() != 0 || a.Share() != 0 {
		t.Errorf("spent %d, reserved %d, share %v; want 0", a.Spent(), a.Reserved(), a.Share())
	}
}

func TestShareIsOfTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 2, state.Config{})
		a, b := replicas[0].Account("tenant", 10*dollar, tomorrow()), replicas[1].Account("tenant", 10*dollar, tomorrow())
		reserve(t, a, dollar)
		b.Settle(0, 4*dollar)
		time.Sleep(2 * time.Second)
		if a.Share() != 0.5 || b.Share() != 0.4 {
			t.Errorf("shares %v and %v, want 0.5 and 0.4", a.Share(), b.Share())
		}
		if again := replicas[0].Account("tenant", 2*dollar, tomorrow()); again != a || a.Share() != 1 {
			t.Errorf("a lower limit: share %v, want 1", a.Share())
		}
		if err := a.Reserve(t.Context(), 1); err != state.ErrLimit {
			t.Errorf("a lower limit: %v, want ErrLimit", err)
		}
		replicas[0].Account("tenant", 20*dollar, tomorrow())
		reserve(t, a, 10*dollar)
	})
}

func TestAccountEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replicas, _ := team(t, 1, state.Config{})
		midnight := time.Now().Add(time.Hour)
		a := replicas[0].Account("monday", dollar, midnight)
		reserve(t, a, dollar)
		time.Sleep(time.Hour + time.Minute)
		a.Settle(dollar, dollar/2) // an attempt that lasted past midnight
		time.Sleep(2 * time.Second)
		if got := replicas[0].Account("monday", dollar, midnight).Spent(); got != dollar/2 {
			t.Errorf("spent %d, want what the late attempt cost", got)
		}
		time.Sleep(3 * time.Hour)
		if again := replicas[0].Account("monday", dollar, time.Now().Add(time.Hour)); again == a || again.Spent() != 0 {
			t.Error("an account that ended long ago is kept")
		}
	})
}
