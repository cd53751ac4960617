package plugin_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B70, B73
func TestTotalOutageEndsInOneErrorThatTellsAll(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.Script(primary, fallbacktest.Overloaded())
		w.Script(backup, fallbacktest.Internal())
		got := w.ask(t.Context(), "a question")
		want := []string{primary, primary, primary, backup, backup, backup}
		if diff := cmp.Diff(want, asked(w.Requests())); diff != "" {
			t.Errorf("the provider was asked (-want +got):\n%s", diff)
		}
		var all *router.AllFailedError
		var first genai.APIError
		if !errors.As(got.err, &all) || len(all.Causes) != 2 || !errors.As(got.err, &first) || first.Code != 503 {
			t.Errorf("err = %v, want both causes, the primary's first", got.err)
		}
	})
}

// B70
func TestDeadlineBoundsAllAttempts(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.Script(primary, fallbacktest.Silence())
		w.Script(backup, fallbacktest.Silence())
		const limit = firstContent + 2*time.Second
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		got := w.ask(ctx, "a question")
		if !errors.Is(got.err, context.DeadlineExceeded) || got.took != limit {
			t.Errorf("err = %v after %v, want the deadline after %v", got.err, got.took, limit)
		}
	})
}

// B74
func TestTotalOutageIsNotAmplified(t *testing.T) {
	build := func(t *testing.T, w *world) model.LLM {
		retrying := func(name string) model.LLM {
			return middleware.Chain(w.gemini(t, name), middleware.MustRetry(middleware.RetryConfig{}))
		}
		return router.MustFallback(router.Config{}, retrying(primary), retrying(backup))
	}
	inWorld(t, build, func(t *testing.T, w *world) {
		w.Script(primary, fallbacktest.Overloaded())
		w.Script(backup, fallbacktest.Overloaded())
		turns := func(n int) {
			for range n {
				w.ask(t.Context(), "a question")
			}
		}
		turns(20) // the budget's savings are used up
		for _, name := range []string{primary, backup} {
			before := len(w.RequestsFor(name))
			if before < 20+middleware.DefaultRetryBurst {
				t.Errorf("%s saw %d attempts of 20 turns: the savings are not used up", name, before)
			}
		}
		before := len(w.Requests())
		turns(100)
		if got, most := len(w.Requests())-before, 220; got > most {
			t.Errorf("the provider saw %d attempts of 100 turns over two models, want at most %d", got, most)
		}
	})
}

// B75
func TestFlappingPrimaryIsUsedWheneverItIsUp(t *testing.T) {
	const up, down, cycles = 50 * time.Second, 45 * time.Second, 4
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.Loop(primary, fallbacktest.For(up, whole), fallbacktest.For(down, fallbacktest.Overloaded()))
		w.Script(backup, standIn...)
		began := time.Now()
		w.keepAsking(t, cycles*(up+down)+up)
		for i := range cycles {
			fails := began.Add(time.Duration(i)*(up+down) + up)
			checkOutage(t, w.RequestsFor(primary), fails, fails.Add(down))
		}
	})
}

// B70, B73. A target whose breaker opens within a call has been asked in it: it is
// not asked once more as the best of those that were not.
func TestTargetThatWasAskedIsNotForced(t *testing.T) {
	retry := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 2})
	breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2})
	for _, c := range []struct {
		name  string
		most  int // attempts of a in a call, as documented
		build func(a, b model.LLM) model.LLM
	}{
		{"its breaker opens between retries", 3, func(a, _ model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, middleware.Chain(a, retry, breaker))
		}},
		{"another one of its hedge is refused", 1, func(a, b model.LLM) model.LLM {
			return router.MustFallback(router.Config{}, router.MustHedge(router.HedgeConfig{}, a, breaker(b)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable))
				m := c.build(a, b)
				before := 0
				for call := range 4 {
					text := llmtest.Consume(t.Context(), m, 0)
					asked := len(a.Requests())
					if n := asked - before; n < 1 || n > c.most {
						t.Errorf("call %d: a was asked %d times, want 1 to %d: %s", call, n, c.most, text)
					}
					before = asked
				}
			})
		})
	}
}
