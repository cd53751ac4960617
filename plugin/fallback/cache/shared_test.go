package cache_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// replicas returns the caches of two replicas.
func replicas(t *testing.T, store *statetest.Store, config cache.Config) (a, b *cache.Cache) {
	t.Helper()
	config.State = store.Replica(t)
	a = newCache(t, config)
	config.State = store.Replica(t)
	b = newCache(t, config)
	synctest.Wait()
	return a, b
}

func TestAnswerOfAnotherReplicaIsAHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Minute}
		store := statetest.NewStore()
		a, b := replicas(t, store, config)
		flash, other := numbered(0), llmtest.NewModel("flash", llmtest.Text("not needed"))
		expect(t, a.Middleware("v1")(flash), "answer 1", call.CacheMiss)
		synctest.Wait()
		front := b.Middleware("v1")(other)
		time.Sleep(40 * time.Second)
		expect(t, front, "answer 1", call.CacheHit)
		ctx, trips := statetest.CountTrips(t.Context())
		if got := ask(ctx, front, true); status(got) != call.CacheHit || trips.Load() != 0 {
			t.Errorf("the second hit is %q after %d trips; want one from memory", status(got), trips.Load())
		}
		if n := len(other.Asked()); n != 0 {
			t.Errorf("%d calls of the model; want none", n)
		}
		time.Sleep(30 * time.Second) // its age counts from the first replica's call
		expect(t, front, "answer 1", call.CacheStale)
		synctest.Wait()
		expect(t, front, "not needed", call.CacheHit)
		expect(t, a.Middleware("v1")(flash), "answer 1", call.CacheStale)
		synctest.Wait() // it finds that the other has refreshed it
		expect(t, a.Middleware("v1")(flash), "not needed", call.CacheHit)
		if n := len(flash.Asked()) + len(other.Asked()); n != 2 {
			t.Errorf("%d calls of the models; want 2", n)
		}

		for name, m := range map[string]model.LLM{"version": b.Middleware("v2")(numbered(0)), "model": b.Middleware("v1")(llmtest.NewModel("pro", llmtest.Text("answer 1")))} {
			if got := ask(t.Context(), m, false); status(got) != call.CacheMiss {
				t.Errorf("a call of another %s is a %s", name, status(got))
			}
		}
		elsewhere := call.With(t.Context(), call.Info{Tenant: "other"})
		if got := ask(elsewhere, b.Middleware("v1")(numbered(0)), false); status(got) != call.CacheMiss {
			t.Errorf("another tenant's call is a %s", status(got))
		}
	})
}

// A stale answer of another replica is returned at once and refreshed, and so is Lookup's.
func TestStaleAnswerOfAnotherReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := replicas(t, statetest.NewStore(), cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Minute})
		expect(t, a.Middleware()(numbered(0)), "answer 1", call.CacheMiss)
		time.Sleep(90 * time.Second)
		late := llmtest.NewModel("flash", llmtest.Within(time.Second, llmtest.Text("new")))
		expect(t, b.Middleware()(late), "answer 1", call.CacheStale)
		time.Sleep(2 * time.Second)
		expect(t, b.Middleware()(late), "new", call.CacheHit)
		time.Sleep(time.Hour)
		req := hello()
		req.Model = "flash"
		resp, fresh, ok := a.Lookup(t.Context(), req)
		if !ok || fresh || resp.Content.Parts[0].Text != "answer 1" { // its own; it has had no call since
			t.Errorf("Lookup: %v, fresh %t, ok %t", resp, fresh, ok)
		}
	})
}

// Lookup finds what other replicas have kept, also where nothing else does, and does not
// search again what its call has searched.
func TestLookupFindsAnswersOfOtherReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, only := range []bool{false, true} {
			store := statetest.NewStore()
			a, b := replicas(t, store, cache.Config{LookupOnly: only})
			backup := router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("backup", llmtest.Text("of the backup")))
			ask(t.Context(), a.Middleware()(backup), false)
			synctest.Wait()
			var found string
			looks := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
				if resp, _, ok := b.Lookup(ctx, hello()); ok {
					found = resp.Content.Parts[0].Text
				}
				if _, _, ok := b.Lookup(ctx, llmtest.UserSays("something else")); ok {
					t.Error("Lookup has found an answer to another request")
				}
				llmtest.Fail(llmtest.ErrUnavailable)(ctx, req, streamed, yield)
			})
			ctx, trips := statetest.CountTrips(t.Context())
			ask(ctx, b.Middleware()(looks), false)
			if found != "of the backup" {
				t.Errorf("LookupOnly %t: Lookup has found %q", only, found)
			}
			if n := trips.Load(); n != 2 {
				t.Errorf("LookupOnly %t: %d trips; want one for each request", only, n)
			}
		}
	})
}

// Many concurrent calls for one request search the store once, and call the model once.
func TestConcurrentMissesSearchOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := replicas(t, statetest.NewStore(), cache.Config{})
		flash := numbered(time.Second)
		ctx, trips := statetest.CountTrips(t.Context())
		m := b.Middleware()(flash)
		for _, got := range llmtest.AskMany(ctx, m, 50) {
			if got.Text() != "answer 1" {
				t.Errorf("%q, %v", got.Text(), got.Err)
			}
		}
		if len(flash.Asked()) != 1 || trips.Load() != 1 {
			t.Errorf("%d calls, %d trips; want one of each", len(flash.Asked()), trips.Load())
		}
	})
}

// An answer that turns out not to be whole is withdrawn from the other replicas.
func TestAnswerInPartsIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := replicas(t, statetest.NewStore(), cache.Config{})
		twice := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			for i := range 2 {
				if !yield(&model.LLMResponse{Content: genai.NewContentFromText(fmt.Sprint(i), genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil) {
					return
				}
			}
		})
		ask(t.Context(), a.Middleware()(twice), false)
		synctest.Wait()
		expect(t, b.Middleware()(numbered(0)), "answer 1", call.CacheMiss)
	})
}

// Without the store a replica has its own answers, and its calls wait 5 ms at most, once. B96
func TestCacheWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		a, _ := replicas(t, store, cache.Config{})
		store.Frozen(true)
		m := a.Middleware()(numbered(0))
		llmtest.Takes(t, 5*time.Millisecond, func() { expect(t, m, "answer 1", call.CacheMiss) })
		llmtest.Takes(t, 0, func() {
			expect(t, m, "answer 1", call.CacheHit)
			if got := llmtest.Collect(m.GenerateContent(t.Context(), llmtest.UserSays("another"), false)); status(got) != call.CacheMiss {
				t.Errorf("another request is a %s", status(got))
			}
		})
	})
}
