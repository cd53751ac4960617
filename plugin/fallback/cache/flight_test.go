package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// B85
func TestThousandIdenticalMissesMakeOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := numbered(time.Second)
		m := newCache(t, cache.Config{}).Middleware()(flash)
		for _, got := range llmtest.AskMany(t.Context(), m, 1000) {
			if got.Err != nil || got.Text() != "answer 1" {
				t.Fatalf("%+v, want answer 1", got)
			}
		}
		if n := len(flash.Requests()); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

// B85: also those that come when the first call is just over.
func TestIdenticalMissesMakeOneCallHoweverTheyMeet(t *testing.T) {
	var calls atomic.Int64
	flash := llmtest.Bare{Step: func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		calls.Add(1)
		llmtest.Text("hi")(ctx, req, stream, yield)
	}}
	m := newCache(t, cache.Config{}).Middleware()(flash)
	const rounds = 2000
	for i := range rounds {
		ctx := call.With(t.Context(), call.Info{Tenant: fmt.Sprint(i)})
		llmtest.AskMany(ctx, m, 4)
	}
	if got := calls.Load(); got != rounds {
		t.Errorf("%d calls for %d requests", got, rounds)
	}
}

// B85
func TestStaleHitAnswersAtOnceAndRefreshesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := numbered(time.Second)
		m := newCache(t, cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Minute}).Middleware()(flash)
		expect(t, m, "answer 1", call.CacheMiss)
		time.Sleep(time.Minute)
		llmtest.Takes(t, 0, func() {
			for _, got := range llmtest.AskMany(t.Context(), m, 1000) {
				if got.Text() != "answer 1" || status(got) != call.CacheStale {
					t.Fatalf("%+v, want answer 1, stale", got)
				}
			}
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(flash.Requests()); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		expect(t, m, "answer 2", call.CacheHit)
	})
}

func TestRefreshOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCache(t, cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Minute}).Middleware()(numbered(time.Second))
		ask(t.Context(), m, false)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		ask(ctx, m, false)
		cancel()
		time.Sleep(2 * time.Second)
		expect(t, m, "answer 2", call.CacheHit)
	})
}

// The caller may change its request once its call has returned.
func TestRefreshHasARequestOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := numbered(0)
		m := newCache(t, cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Minute}).Middleware()(flash)
		ask(t.Context(), m, false)
		time.Sleep(time.Minute)
		req := hello()
		for range m.GenerateContent(t.Context(), req, false) {
			continue
		}
		req.Contents[0].Parts[0].Text = "changed"
		synctest.Wait()
		if got := flash.Requests()[1].Contents[0].Parts[0].Text; got != "hi" {
			t.Errorf("the refresh asked %q, want hi", got)
		}
	})
}

func TestFailedRefreshLeavesTheStaleAnswer(t *testing.T) {
	for name, fault := range map[string]llmtest.Step{
		"error": llmtest.Fail(llmtest.ErrUnavailable),
		"panic": func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }, // B80
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", llmtest.Text("one"), fault, llmtest.Text("two"))
				m := newCache(t, cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Minute}).Middleware()(flash)
				expect(t, m, "one", call.CacheMiss)
				time.Sleep(time.Minute)
				for range 1000 {
					expect(t, m, "one", call.CacheStale)
					synctest.Wait()
				}
				time.Sleep(cache.RefreshPause - 1)
				expect(t, m, "one", call.CacheStale)
				synctest.Wait()
				if n := len(flash.Requests()); n != 2 {
					t.Errorf("%d calls, want 2: a refresh that has failed is not tried again for a while", n)
				}
				time.Sleep(time.Nanosecond)
				expect(t, m, "one", call.CacheStale)
				synctest.Wait()
				expect(t, m, "two", call.CacheHit)
			})
		})
	}
}

func TestRefreshIsBoundedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("one"), llmtest.Silent, llmtest.Text("two"))
		m := newCache(t, cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Hour, MaxWait: 5 * time.Second}).Middleware()(flash)
		ask(t.Context(), m, false)
		time.Sleep(time.Minute)
		ask(t.Context(), m, false)
		time.Sleep(5*time.Second - 1)
		expect(t, m, "one", call.CacheStale)
		if n := len(flash.Requests()); n != 2 {
			t.Errorf("%d calls, want 2 as long as the refresh lasts", n)
		}
		time.Sleep(time.Nanosecond + cache.RefreshPause)
		expect(t, m, "one", call.CacheStale)
		synctest.Wait()
		expect(t, m, "two", call.CacheHit)
	})
}

func TestCloseEndsRefreshesAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		flash := llmtest.NewModel("flash", llmtest.Text("one"), func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
			yield(nil, ctx.Err())
		})
		c := newCache(t, cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Hour})
		m := c.Middleware()(flash)
		ask(t.Context(), m, false)
		time.Sleep(time.Minute)
		ask(t.Context(), m, false)
		llmtest.Takes(t, time.Second, func() { c.Close() })
		if !ended {
			t.Error("Close did not wait for the refresh")
		}
		expect(t, m, "one", call.CacheStale)
		synctest.Wait()
		if n := len(flash.Requests()); n != 2 {
			t.Errorf("%d calls, want 2: a closed cache does not refresh", n)
		}
	})
}

// B85: an answer that is there is given, whoever is still busy with it.
func TestSlowConsumerDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCache(t, cache.Config{}).Middleware()(numbered(time.Second))
		go func() {
			for resp := range m.GenerateContent(t.Context(), hello(), true) {
				if !resp.Partial {
					time.Sleep(time.Minute)
				}
			}
		}()
		synctest.Wait()
		llmtest.Takes(t, time.Second, func() { expect(t, m, "answer 1", call.CacheHit) }) // one that has waited
		llmtest.Takes(t, 0, func() { expect(t, m, "answer 1", call.CacheHit) })
		time.Sleep(time.Minute)
	})
}

func TestWaiterThatGivesUpLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := numbered(10 * time.Second)
		m := newCache(t, cache.Config{}).Middleware()(flash)
		var wg sync.WaitGroup
		wg.Go(func() { expect(t, m, "answer 1", call.CacheMiss) })
		synctest.Wait()
		wg.Go(func() { expect(t, m, "answer 1", call.CacheHit) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		llmtest.Takes(t, time.Second, func() {
			if got := ask(ctx, m, false); !errors.Is(got.Err, context.DeadlineExceeded) {
				t.Errorf("error %v, want the waiter's own deadline", got.Err)
			}
		})
		wg.Wait()
	})
}

func TestCallerThatGivesUpHandsOver(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, m model.LLM){
		"cancelled": func(t *testing.T, m model.LLM) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			ask(ctx, m, true)
		},
		"stopped": func(t *testing.T, m model.LLM) {
			for range m.GenerateContent(t.Context(), hello(), true) {
				return
			}
		},
		"panicked": func(t *testing.T, m model.LLM) { // B80
			defer func() { _ = recover() }()
			for range m.GenerateContent(t.Context(), hello(), true) {
				panic("consumer")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flash := llmtest.NewModel("flash", llmtest.Words(10, time.Second))
				m := newCache(t, cache.Config{}).Middleware()(flash)
				go leave(t, m)
				synctest.Wait()
				results := llmtest.AskMany(t.Context(), m, 10)
				misses := 0
				for _, got := range results {
					if got.Err != nil {
						t.Errorf("error %v, want the answer", got.Err)
					}
					if status(got) == call.CacheMiss {
						misses++
					}
				}
				if misses != 1 || len(flash.Requests()) != 2 {
					t.Errorf("%d misses, %d calls; want 1 and 2", misses, len(flash.Requests()))
				}
			})
		})
	}
}

// What failed for one caller need not fail for another, and nobody waits in line
// for a model that is down.
func TestCallersAskForThemselvesWhenTheCallTheyWaitedForFails(t *testing.T) {
	for name, first := range map[string]llmtest.Step{"error": llmtest.Fail(llmtest.ErrUnavailable), "function call": llmtest.Call("1", "pay", "", nil)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The caller's priority decides whether it is served.
				flash := llmtest.NewModel("flash", llmtest.Within(time.Second, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					step := first
					if call.From(ctx).Priority == "paid" {
						step = llmtest.Text("answer")
					}
					step(ctx, req, stream, yield)
				}))
				m := newCache(t, cache.Config{}).Middleware()(flash)
				go ask(t.Context(), m, false)
				synctest.Wait()
				llmtest.Takes(t, 2*time.Second, func() {
					for _, got := range llmtest.AskMany(t.Context(), m, 10) {
						if got.Text() == "answer" {
							t.Errorf("%+v, want none for this caller", got)
						}
					}
				})
				for _, got := range llmtest.AskMany(call.With(t.Context(), call.Info{Priority: "paid"}), m, 10) {
					if got.Text() != "answer" {
						t.Errorf("%+v, want an answer", got)
					}
				}
			})
		})
	}
}

func TestCallerWaitsForAnotherOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCache(t, cache.Config{MaxWait: 5 * time.Second}).Middleware()(
			llmtest.NewModel("flash", llmtest.Within(time.Hour, llmtest.Text("slow")), llmtest.Text("quick")))
		go ask(t.Context(), m, false)
		synctest.Wait()
		llmtest.Takes(t, 5*time.Second, func() { expect(t, m, "quick", call.CacheMiss) })
		expect(t, m, "quick", call.CacheHit)
	})
}

func TestDifferentRequestsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newCache(t, cache.Config{}).Middleware()(numbered(time.Second))
		llmtest.Takes(t, time.Second, func() {
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() { ask(call.With(t.Context(), call.Info{Tenant: fmt.Sprint(i)}), m, false) })
			}
			wg.Wait()
		})
	})
}
