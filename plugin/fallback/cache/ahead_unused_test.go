package cache_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// askLong makes a call that needs most of the tokens that are left.
func askLong(ctx context.Context, m model.LLM) llmtest.Seen {
	return llmtest.Collect(m.GenerateContent(ctx, llmtest.UserSays(strings.Repeat("long", 300)), false))
}

// What a call has taken ahead and does not need goes back: because it is a hit, because it goes
// to another model, or because it is refused.
func TestWhatIsNotNeededGoesBack(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, s *scarce, flash model.LLM){
		"a hit": func(t *testing.T, s *scarce, flash model.LLM) {
			first := newCache(t, cache.Config{State: s.limits.State})
			askLong(t.Context(), first.Middleware()(llmtest.NewModel("flash", llmtest.Text("ok"))))
			time.Sleep(10 * time.Millisecond)
			llmtest.Takes(t, trip, func() {
				if got := askLong(t.Context(), s.cache.Middleware()(flash)); status(got) != call.CacheHit {
					t.Errorf("%q, %v; want a hit", status(got), got.Err)
				}
			})
		},
		"another model": func(t *testing.T, s *scarce, flash model.LLM) {
			deny := stream.Wrap(stream.Of(flash), func(context.Context, *model.LLMRequest, bool, *stream.Sink) error { return llmtest.ErrUnavailable })
			slow := llmtest.NewModel("backup", llmtest.Within(time.Second, llmtest.Text("ok")))
			if got := askLong(t.Context(), s.cache.Middleware()(router.MustFallback(router.Config{}, deny, slow))); got.Text() != "ok" {
				t.Errorf("%q, %v", got.Text(), got.Err)
			}
		},
		"no model": func(t *testing.T, s *scarce, flash model.LLM) {
			deny := stream.Wrap(stream.Of(flash), func(context.Context, *model.LLMRequest, bool, *stream.Sink) error { return llmtest.ErrUnavailable })
			askLong(t.Context(), s.cache.Middleware()(deny))
		},
		"a panic": func(t *testing.T, s *scarce, flash model.LLM) {
			mad := stream.Wrap(stream.Of(flash), func(context.Context, *model.LLMRequest, bool, *stream.Sink) error { panic("mad") })
			defer func() { _ = recover() }()
			askLong(t.Context(), s.cache.Middleware()(mad))
		},
		"a call that has ended": func(t *testing.T, s *scarce, flash model.LLM) {
			ctx, cancel := context.WithTimeout(t.Context(), trip/2)
			defer cancel()
			askLong(ctx, s.cache.Middleware()(flash))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScarce(t)
			flash := llmtest.NewModel("flash", llmtest.Text("not needed"))
			m := s.stack(flash)
			time.Sleep(40 * time.Millisecond)
			use(t, s, m)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			r, n := s.left(t) // including what about 3 seconds add
			if r < requestsLeft || n < tokensLeft || len(flash.Asked()) > 0 {
				t.Errorf("%s: %d requests and %d tokens are left after %d calls; want %d and %d at least", name, r, n, len(flash.Asked()), requestsLeft, tokensLeft)
			}
			if share := s.budget.Share(""); share != 0 {
				t.Errorf("%s: %v of the budget is used", name, share)
			}
		})
	}
}

// What was taken for a target that is not called is back while another target takes long.
func TestWhatIsNotNeededIsNotHeldForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		deny := stream.Wrap(stream.Of(s.stack(llmtest.NewModel("flash"))), func(context.Context, *model.LLMRequest, bool, *stream.Sink) error { return llmtest.ErrUnavailable })
		slow := llmtest.NewModel("backup", llmtest.Within(time.Minute, llmtest.Text("ok")))
		go askLong(t.Context(), s.cache.Middleware()(router.MustFallback(router.Config{}, deny, slow)))
		time.Sleep(time.Second)
		if r, n := s.left(t); r < requestsLeft || n < tokensLeft {
			t.Errorf("%d requests and %d tokens are left; want %d and %d at least", r, n, requestsLeft, tokensLeft)
		}
		if share := s.budget.Share(""); share != 0 {
			t.Errorf("%v of the budget is used", share)
		}
		time.Sleep(time.Minute)
	})
}

// Hits, from the store and from memory, do not take from limits and budgets again and again.
func TestHitsDoNotKeepAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		const hits = 200
		m, flash := s.cache.Middleware(), s.stack(llmtest.NewModel("flash", llmtest.Text("not needed")))
		first := newCache(t, cache.Config{State: s.limits.State}).Middleware()(llmtest.NewModel("flash", llmtest.Text("ok")))
		question := func(i int) *model.LLMRequest {
			return llmtest.UserSays(string(rune('a'+i%26)) + string(rune('a'+i/26)))
		}
		for i := range hits {
			llmtest.Collect(first.GenerateContent(t.Context(), question(i), false))
			time.Sleep(2 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		for _, where := range []string{"the store", "memory"} {
			before, began := s.asked.Load(), time.Now()
			for i := range hits {
				got := llmtest.Collect(m(flash).GenerateContent(t.Context(), question(i), false))
				if status(got) != call.CacheHit {
					t.Fatalf("call %d is a %s", i, status(got))
				}
				time.Sleep(4 * time.Millisecond)
			}
			seconds := int64(time.Since(began)/time.Second) + 1
			asked, most := s.asked.Load()-before, seconds*(4*2*2*2+4) // by two replicas, for two limits at each tick, and for leases
			if asked > most {
				t.Errorf("hits from %s: the store was asked %d times in %d s for %d hits; want %d at most", where, asked, seconds, hits, most)
			}
		}
	})
}

// A request that a layer has made longer or shorter takes what it needs.
func TestWhatWasTakenAheadMustFit(t *testing.T) {
	for _, size := range [][2]int{{1, 300}, {300, 1}} { // of the request, and of what the layer makes of it
		synctest.Test(t, func(t *testing.T) {
			s := newScarce(t)
			inner := stream.Of(s.stack(llmtest.NewModel("flash", llmtest.Text("ok"))))
			says := func(n int) *model.LLMRequest { return llmtest.UserSays(string(make([]byte, 4*n))) }
			changed := stream.Wrap(inner, func(ctx context.Context, _ *model.LLMRequest, streamed bool, out *stream.Sink) error {
				return inner.Do(ctx, says(size[1]), streamed, out)
			})
			got := llmtest.Collect(s.cache.Middleware()(changed).GenerateContent(t.Context(), says(size[0]), false))
			if got.Err != nil || status(got) != call.CacheMiss {
				t.Fatalf("%q, %v", status(got), got.Err)
			}
			time.Sleep(time.Second)
			r, n := s.left(t)
			if want := tokensLeft - size[1]; r < requestsLeft-1 || n < want || n > want+30 { // about 20 a second are added
				t.Errorf("%d requests and %d tokens are left; want about %d and %d", r, n, requestsLeft-1, want)
			}
		})
	}
}

// A call that has to queue holds nothing until its turn.
func TestQueuedCallHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		s.limits.MaxConcurrent = 1
		m := s.cache.Middleware()(s.stack(llmtest.NewModel("flash", llmtest.Within(30*time.Second, llmtest.Text("ok")))))
		go ask(t.Context(), m, false)
		time.Sleep(time.Second)
		for i := range 3 {
			go llmtest.Collect(m.GenerateContent(t.Context(), llmtest.UserSays(string(rune('a'+i))), false))
		}
		time.Sleep(time.Second)
		if r, _ := s.left(t); r < requestsLeft+1 { // 2.3 seconds have added 3
			t.Errorf("%d requests are left while calls queue; want %d", r, requestsLeft+2)
		}
		if share := s.budget.Share(""); share != 0.01 {
			t.Errorf("%v of the budget is used; want the dollar of the call in progress", share)
		}
		ctx, trips := statetest.CountTrips(t.Context())
		go llmtest.Collect(m.GenerateContent(ctx, llmtest.UserSays("another"), false))
		time.Sleep(time.Second)
		if n := trips.Load(); n != 1 {
			t.Errorf("a call that comes to a queue has asked the store %d times; want once, for the answer", n)
		}
		time.Sleep(3 * time.Minute)
	})
}

// A call whose tenant or price a layer has changed reserves for the new one.
func TestReservationAheadMustFit(t *testing.T) {
	for name, changed := range map[string]struct {
		tenant, text string
		spent        map[string]float64
	}{
		"as it was":      {"acme", "hi", map[string]float64{"acme": 1}},
		"more expensive": {"acme", "hello, hello", map[string]float64{"acme": 3}},
		"another tenant": {"other", "hi", map[string]float64{"other": 1, "acme": 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := statetest.NewStore()
			shared := store.Replica(t)
			budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 3, State: shared, Price: func(_ string, req *model.LLMRequest) (float64, bool) {
				return float64(1 + len(req.Contents[0].Parts[0].Text)/6), true
			}})
			inner := stream.Of(budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("ok"))))
			layer := stream.Wrap(inner, func(ctx context.Context, _ *model.LLMRequest, streamed bool, out *stream.Sink) error {
				return inner.Do(call.With(ctx, call.Info{Tenant: changed.tenant}), llmtest.UserSays(changed.text), streamed, out)
			})
			ctx := call.With(t.Context(), call.Info{Tenant: "acme"})
			if got := ask(ctx, newCache(t, cache.Config{State: shared}).Middleware()(layer), false); got.Err != nil {
				t.Fatalf("%s: %v", name, got.Err)
			}
			for tenant, want := range changed.spent {
				if got := budget.Spent(tenant); got != want {
					t.Errorf("%s: %s has spent %v, want %v", name, tenant, got, want)
				}
				if got := budget.Share(tenant); got != want/3 {
					t.Errorf("%s: the share of %s is %v, want %v", name, tenant, got, want/3)
				}
			}
		})
	}
}
