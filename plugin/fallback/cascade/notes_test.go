package cascade_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B87: a degraded answer is not judged: its model knows that it is not as good, and says
// so.
func TestDegradedAnswersAreNotJudged(t *testing.T) {
	standing := func() model.LLM { // its own strong model is over the ceiling
		return cascade.MustNew(cascade.Config{
			Judges: []cascade.Judge{sure(0)}, MaxCost: 1, Price: func(string, *model.LLMRequest) (float64, bool) { return 2, true },
		}, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("mid", llmtest.Text("middle")))
	}
	for name, test := range map[string]struct {
		cheap    func() model.LLM
		want     string
		degraded string
	}{
		"a template":             {func() model.LLM { return degrade.Template("sorry") }, "[sorry]", "template-response"},
		"an answer that stands":  {standing, "[cheap]", "flash"},
		"in a router, it stands": {func() model.LLM { return router.MustFallback(router.Config{}, standing()) }, "[cheap]", "flash"},
		"behind a model, a stand": {func() model.LLM {
			return router.MustFallback(router.Config{}, llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrQuota)), standing())
		}, "[cheap]", "flash"},
	} {
		for _, streamed := range []bool{false, true} {
			strong := llmtest.NewModel("pro", llmtest.Text("strong"))
			m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{never(t)}, Hold: true}, test.cheap(), strong)
			got := llmtest.Ask(t.Context(), m, streamed)
			text := ""
			if got.Final != nil {
				text = "[" + llmtest.TextOf(got.Final.Content) + "]"
			}
			if text != test.want || got.Metadata().Degraded != test.degraded || len(strong.Requests()) > 0 {
				t.Errorf("%s: the consumer saw %q (%v), degraded %q, want %q, %q", name, got.Stream, got.Err, got.Metadata().Degraded, test.want, test.degraded)
			}
		}
	}
}

// B101: what the rejected answer's layers have noted is not said of the strong model's
// answer; it is of one that stands.
func TestNotesOfARejectedAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		cached bool // the cheap answer comes from the cache
		strong llmtest.Step
		status string
	}{
		"miss, rejected": {false, llmtest.Text("strong"), ""},
		"hit, rejected":  {true, llmtest.Text("strong"), ""},
		"miss, stands":   {false, llmtest.Fail(llmtest.ErrQuota), call.CacheMiss},
		"hit, stands":    {true, llmtest.Fail(llmtest.ErrQuota), call.CacheHit},
	} {
		for _, streamed := range []bool{false, true} {
			c := cache.MustNew(cache.Config{TTL: time.Hour})
			defer func() { _ = c.Close() }()
			cheap := middleware.Chain(llmtest.NewModel("flash", llmtest.Text("cheap")), c.Middleware())
			if test.cached {
				llmtest.Ask(t.Context(), cheap, streamed)
			}
			m := pair(0, cheap, llmtest.NewModel("pro", test.strong))
			if got := llmtest.Ask(t.Context(), m, streamed); got.Metadata().CacheStatus != test.status || got.Err != nil {
				t.Errorf("%s: cache status %q (%v), want %q", name, got.Metadata().CacheStatus, got.Err, test.status)
			}
		}
	}
}

// The status of the cache around a cascade is that of the call, whichever model answers.
func TestCacheStatusAroundACascade(t *testing.T) {
	for confidence, model := range map[float64]string{0: "pro", 1: "flash"} {
		c := cache.MustNew(cache.Config{TTL: time.Hour})
		defer func() { _ = c.Close() }()
		m := middleware.Chain(pair(confidence, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))), c.Middleware())
		if md := llmtest.Ask(t.Context(), m, true).Metadata(); md.CacheStatus != call.CacheMiss || md.ModelName != model {
			t.Errorf("with confidence %v: %q by %q, want a miss by %q", confidence, md.CacheStatus, md.ModelName, model)
		}
	}
}

// B87, B111: a verdict may send the call to a router with a last resort, which then
// answers at once, although an enclosing router has other targets.
func TestVerdictCallsLastResorts(t *testing.T) {
	for name, test := range map[string]struct {
		confidence float64
		want       string
		degraded   string
	}{
		"risky":  {0.1, "[sorry]", "template-response"},
		"unsure": {0.5, "[strong]", ""},
	} {
		for _, streamed := range []bool{false, true} {
			gpt := llmtest.NewModel("gpt", llmtest.Text("next"))
			retrieval := router.MustFallback(router.Config{}, llmtest.NewModel("rag", llmtest.Fail(llmtest.ErrInternal)), degrade.Template("sorry"))
			m := router.MustFallback(router.Config{}, cascade.MustNew(cascade.Config{
				Judges: []cascade.Judge{sure(test.confidence).DegradeBelow(0.3, retrieval)}, Hold: true,
			}, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))), gpt)
			got := llmtest.Ask(t.Context(), m, streamed)
			if got.Final == nil || "["+llmtest.TextOf(got.Final.Content)+"]" != test.want || got.Metadata().Degraded != test.degraded || len(gpt.Requests()) > 0 {
				t.Errorf("%s: the consumer saw %q (%v), degraded %q, want %q, %q", name, got.Stream, got.Err, got.Metadata().Degraded, test.want, test.degraded)
			}
		}
	}
}

// The last resort behind a verdict's model is called once: if it fails too, the strong
// model answers, and nothing says that the answer is degraded.
func TestVerdictWhoseModelsAllFail(t *testing.T) {
	var asked int
	none := llmtest.NewModel("none", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		asked++
		yield(nil, llmtest.ErrInternal)
	})
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(0.1).DegradeBelow(0.3, router.MustFallback(router.Config{}, none))}},
		llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong")))
	if got := llmtest.Ask(t.Context(), m, true); got.Stream != "cheap|strong[strong]" || got.Metadata().Degraded != "" || asked != 1 {
		t.Errorf("the consumer saw %q (%v), degraded %q, after %d calls, want the strong model's answer", got.Stream, got.Err, got.Metadata().Degraded, asked)
	}
}
