package cache_test

import (
	"context"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// After a rejected hit, the metadata does not say that the next target's answer is from a
// cache, and a cache around the router keeps that answer for Lookup.
func TestRejectedHitIsNoHit(t *testing.T) {
	for name, chain := range map[string]func(hits, next model.LLM) model.LLM{
		"by Validate": func(hits, next model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, middleware.MustValidate(middleware.ValidateConfig{MinLength: 3})(hits), next)
		},
		"by a rule": func(hits, next model.LLM) model.LLM {
			short := router.Rule{Answers: true, If: func(_ context.Context, o router.Observation) (bool, error) {
				return o.Answer != nil && llmtest.TextOf(o.Answer.Content) == "no", nil
			}}
			return router.MustFallback(router.Config{}, hits, router.When(short, next))
		},
		"because it continues nothing": func(hits, next model.LLM) model.LLM {
			cut := llmtest.NewModel("cut", llmtest.Fail(llmtest.ErrUnavailable, "ye"))
			return router.MustFallback(router.Config{MidStream: router.Resume}, cut, hits, next)
		},
	} {
		t.Run(name, func(t *testing.T) {
			hits := newCache(t, cache.Config{}).Middleware()(llmtest.NewModel("flash", llmtest.Text("no")))
			expect(t, hits, "no", call.CacheMiss)
			m := chain(hits, llmtest.NewModel("pro", llmtest.Text("yes")))
			for around, want := range map[string]string{"": "", call.CacheMiss: call.CacheMiss} {
				m, c := m, newCache(t, cache.Config{})
				if around != "" {
					m = c.Middleware()(m)
				}
				got := ask(t.Context(), m, true)
				if got.Err != nil || got.Text() != "yes" || status(got) != want {
					t.Errorf("%q, %q, error %v; want pro's answer with %q", got.Text(), status(got), got.Err, want)
				}
				if around != "" {
					req := hello()
					if _, _, ok := c.Lookup(t.Context(), withModel(req, m.Name())); !ok {
						t.Error("the cache around does not keep pro's answer")
					}
				}
			}
		})
	}
}

func withModel(req *model.LLMRequest, name string) *model.LLMRequest {
	req.Model = name
	return req
}
