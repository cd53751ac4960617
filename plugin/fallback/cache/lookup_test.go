package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A cache for answers of last resort stands in nobody's way: each call asks, also
// when others ask the same.
func TestCacheForLookupOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := numbered(time.Second)
		c := cache.MustNew(cache.Config{LookupOnly: true})
		defer c.Close()
		m := c.Middleware()(flash)
		for range 2 {
			for i, got := range llmtest.AskMany(t.Context(), m, 3) {
				if got.Err != nil || status(got) != call.CacheBypass || got.Text() == "" {
					t.Errorf("call %d: %q, %q, %v; want an answer of the model", i, got.Text(), status(got), got.Err)
				}
			}
		}
		if asked := len(flash.Asked()); asked != 6 {
			t.Errorf("the model was asked %d times, want 6", asked)
		}
		req := &model.LLMRequest{Model: "flash", Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
		if _, fresh, ok := c.Lookup(t.Context(), req); !ok || !fresh {
			t.Errorf("lookup: fresh %v, ok %v; want a fresh answer", fresh, ok)
		}
	})
}

// What a fallback gave in a moment's outage is not given for the primary's for
// the rest of the TTL: nothing would say what it is.
func TestAnotherTargetsAnswerIsKeptForLookupAlone(t *testing.T) {
	for name, around := range map[string]func(model.LLM) model.LLM{
		"a router":                         func(m model.LLM) model.LLM { return m },
		"a router in somebody's own model": func(m model.LLM) model.LLM { return struct{ model.LLM }{m} },
	} {
		t.Run(name, func(t *testing.T) {
			flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("of flash"))
			pro := llmtest.NewModel("pro", llmtest.Text("of pro"))
			c := newCache(t, cache.Config{})
			m := c.Middleware()(around(router.MustFallback(router.Config{}, flash, pro)))
			expect(t, m, "of pro", call.CacheMiss)
			found(t, c, "of pro")
			expect(t, m, "of flash", call.CacheMiss)
			found(t, c, "of flash")
			expect(t, m, "of flash", call.CacheHit)
		})
	}
}

// An outage does not cost the answers that can still be given; when they cannot,
// the last one there is of any target is the best for the last resort.
func TestAnotherTargetsAnswerTakesNoHitsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Text("of flash"), llmtest.Fail(llmtest.ErrUnavailable))
		pro := llmtest.NewModel("pro", llmtest.Text("of pro"))
		c := newCache(t, cache.Config{TTL: time.Minute, StaleWhileRevalidate: time.Minute})
		m := c.Middleware()(router.MustFallback(router.Config{}, flash, pro))
		expect(t, m, "of flash", call.CacheMiss)
		time.Sleep(time.Minute)
		for range 3 {
			expect(t, m, "of flash", call.CacheStale)
			synctest.Wait() // for the fetch in the background, which ends at pro
			found(t, c, "of flash")
		}
		if asked := len(pro.Asked()); asked != 1 {
			t.Errorf("pro was asked %d times, want once: a fetch that ends there has failed", asked)
		}
		time.Sleep(time.Minute)
		expect(t, m, "of pro", call.CacheMiss)
		found(t, c, "of pro")
	})
}

func TestNobodyIsGivenAnotherTargetsAnswerForWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", llmtest.Within(time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
		m := newCache(t, cache.Config{}).Middleware()(router.MustFallback(router.Config{}, flash, llmtest.NewModel("pro", llmtest.Text("of pro"))))
		for _, got := range llmtest.AskMany(t.Context(), m, 3) {
			if md, _ := call.ReadResponse(got.Final); got.Text() != "of pro" || !md.Triggered || md.CacheStatus != call.CacheMiss {
				t.Errorf("%q, metadata %+v; want an answer that says how it came", got.Text(), md)
			}
		}
	})
}

// found looks up the request that ask makes.
func found(t *testing.T, c *cache.Cache, text string) {
	t.Helper()
	req := hello()
	req.Model = "flash"
	resp, _, ok := c.Lookup(t.Context(), req)
	if !ok || resp.Content.Parts[0].Text != text {
		t.Errorf("Lookup: %+v, %v; want %q", resp, ok, text)
	}
}
