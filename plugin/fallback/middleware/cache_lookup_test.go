package middleware_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// A cache for answers of last resort stands in nobody's way: each call asks, also
// when others ask the same.
func TestCacheForLookupOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := numbered(time.Second)
		cache := middleware.MustCache(middleware.CacheConfig{LookupOnly: true})
		defer cache.Close()
		m := cache.Middleware()(flash)
		for range 2 {
			for i, got := range askMany(t.Context(), m, 3) {
				if got.err != nil || status(got) != call.CacheBypass || got.text == "" {
					t.Errorf("call %d: %q, %q, %v; want an answer of the model", i, got.text, status(got), got.err)
				}
			}
		}
		if asked := len(flash.Asked()); asked != 6 {
			t.Errorf("the model was asked %d times, want 6", asked)
		}
		req := &model.LLMRequest{Model: "flash", Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
		if _, fresh, ok := cache.Lookup(t.Context(), req); !ok || !fresh {
			t.Errorf("lookup: fresh %v, ok %v; want a fresh answer", fresh, ok)
		}
	})
}
