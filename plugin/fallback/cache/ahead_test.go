package cache_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// trip is how long an answer of the store takes.
const trip = time.Millisecond

// scarce is one replica of an application whose limits are more than half used, by another one.
type scarce struct {
	store  *statetest.Store
	asked  *atomic.Int64 // how often the store was asked to take or lease
	cache  *cache.Cache
	limits middleware.LimitConfig
	budget *middleware.Budget
}

// counting is a store that counts the calls of Take and Lease.
type counting struct {
	state.Store
	asked atomic.Int64
}

func (c *counting) Take(ctx context.Context, b state.Bucket, least, most int) (state.Tokens, error) {
	c.asked.Add(1)
	return c.Store.Take(ctx, b, least, most)
}

func (c *counting) Lease(ctx context.Context, a state.Account, change state.Change) (state.Balance, error) {
	c.asked.Add(1)
	return c.Store.Lease(ctx, a, change)
}

// The limits, and what is left of them.
const (
	requests, requestsLeft = 100, 40
	tokens, tokensLeft     = 1000, 400
)

func newScarce(t *testing.T) *scarce {
	t.Helper()
	counts := &counting{Store: state.NewMemory()}
	store := &statetest.Store{Store: counts}
	shared, other := store.Replica(t), store.Replica(t)
	s := &scarce{
		store: store, asked: &counts.asked, cache: newCache(t, cache.Config{State: shared}),
		limits: middleware.LimitConfig{RequestsPerMinute: requests, TokensPerMinute: tokens, MaxWait: time.Minute, State: shared},
		budget: middleware.MustBudget(middleware.BudgetConfig{Limit: 100, State: shared, Price: func(string, *model.LLMRequest) (float64, bool) { return 1, true }}),
	}
	s.stack(llmtest.NewModel("flash")) // the replica knows the buckets
	time.Sleep(2 * time.Second)
	if other.Bucket("requests:flash", requests).Take(t.Context(), requests-requestsLeft) > 0 || other.Bucket("tokens:flash", tokens).Take(t.Context(), tokens-tokensLeft) > 0 {
		t.Fatal("the limits are used up")
	}
	time.Sleep(300 * time.Millisecond) // between two reads of what is left
	store.Trip(trip)
	return s
}

// stack returns m with limits and a budget.
func (s *scarce) stack(m model.LLM) model.LLM {
	return middleware.MustLimit(s.limits)(s.budget.Middleware()(m))
}

// left returns how much of the limits the store has.
func (s *scarce) left(t *testing.T) (requestsNow, tokensNow int) {
	t.Helper()
	s.store.Trip(0)
	defer s.store.Trip(trip)
	now := func(key string, perMinute int) int {
		got, err := s.store.Take(t.Context(), state.Bucket{Key: state.DefaultPrefix + "bucket:" + key + ":flash", PerMinute: perMinute}, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return got.Left
	}
	return now("requests", requests), now("tokens", tokens)
}

// A call that has to wait for a cached answer, both limits and the lease of its tenant waits for
// all of them at the same time, whatever the tree. B96: so it does if the store does not answer.
func TestCallWaitsForAllOfTheStoreAtTheSameTime(t *testing.T) {
	broken := llmtest.NewModel("broken", llmtest.Fail(llmtest.ErrUnavailable))
	backup := llmtest.NewModel("backup", llmtest.Text("not needed"))
	for name, tree := range map[string]func(s *scarce, flash model.LLM) model.LLM{
		"a model":           func(s *scarce, flash model.LLM) model.LLM { return s.cache.Middleware()(flash) },
		"without the cache": func(_ *scarce, flash model.LLM) model.LLM { return flash },
		"fallback": func(s *scarce, flash model.LLM) model.LLM {
			return s.cache.Middleware()(router.MustFallback(router.Config{}, flash, backup))
		},
		"hedge": func(s *scarce, flash model.LLM) model.LLM {
			return s.cache.Middleware()(router.MustHedge(router.HedgeConfig{}, flash, backup))
		},
		"split": func(s *scarce, flash model.LLM) model.LLM {
			split := router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Model: flash, Weight: 1}, {Model: backup}}})
			m, err := router.SplitAhead(split, split, func(int) middleware.Middleware { return s.cache.Middleware() })
			if err != nil {
				panic(err)
			}
			return m
		},
		"breaker that is open": func(s *scarce, flash model.LLM) model.LLM {
			open := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(s.stack(broken))
			llmtest.Ask(context.Background(), open, false)
			return s.cache.Middleware()(router.MustFallback(router.Config{}, open, flash))
		},
	} {
		for _, frozen := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := newScarce(t)
				m := tree(s, s.stack(llmtest.NewModel("flash", llmtest.Text("ok"))))
				time.Sleep(40 * time.Millisecond) // until its background work has ended
				want := trip
				if frozen {
					s.store.Frozen(true)
					want = state.DefaultTimeout
				}
				ctx := call.With(t.Context(), call.Info{Tenant: "new", User: "user"})
				began := time.Now()
				if got := ask(ctx, m, false); got.Err != nil || got.Text() != "ok" {
					t.Fatalf("%s: %q, %v", name, got.Text(), got.Err)
				}
				if took := time.Since(began); took != want {
					t.Errorf("%s, frozen %t: the call waited %v; want %v", name, frozen, took, want)
				}
				s.store.Frozen(false)
			})
		}
	}
}

// In a turn that has left its first model, a call requests ahead what its own first model needs.
func TestCallGoesAheadToTheModelOfItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		broken := llmtest.NewModel("broken", llmtest.Fail(llmtest.ErrUnavailable))
		m := s.cache.Middleware()(router.MustFallback(router.Config{}, broken, s.stack(llmtest.NewModel("flash", llmtest.Text("ok")))))
		ctx := llmtest.InTurn(t.Context(), "turn")
		ask(ctx, m, false)
		time.Sleep(41 * time.Millisecond)
		llmtest.Takes(t, trip, func() {
			if got := llmtest.Collect(m.GenerateContent(ctx, llmtest.UserSays("and then?"), false)); got.Err != nil || status(got) != call.CacheMiss {
				t.Errorf("%q, %v", status(got), got.Err)
			}
		})
	})
}
