package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B76: when the first model is slow for good, the hedges stay within the bound.
func TestExtraLoadIsBounded(t *testing.T) {
	for _, test := range []struct {
		share float64
		most  int // of 1000 calls
	}{{0, 51}, {0.05, 51}, {0.2, 201}, {0.001, 2}, {1, 1000}} {
		synctest.Test(t, func(t *testing.T) {
			flash, lite := llmtest.NewModel("flash", within(time.Minute, llmtest.Text("x"))), llmtest.NewModel("lite", llmtest.Text("x"))
			m := router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: test.share}, flash, lite)
			hear(t.Context(), m, false)
			if len(lite.Requests()) != 1 {
				t.Errorf("MaxExtraLoad %v: the first call was not hedged", test.share)
			}
			for range 999 {
				hear(t.Context(), m, false)
			}
			if got := len(lite.Requests()); got > test.most || got < test.most*9/10 {
				t.Errorf("MaxExtraLoad %v: %d hedges in 1000 calls, want at most %d and not much less", test.share, got, test.most)
			}
		})
	}
}

// A quiet time does not save up hedges for more than its window.
func TestSavedHedgesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		step := llmtest.Text("x")
		flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			step(ctx, req, streamed, yield)
		})
		lite := llmtest.NewModel("lite", llmtest.Text("x"))
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite)
		for range 5000 {
			hear(t.Context(), m, false)
		}
		step = within(time.Minute, llmtest.Text("x"))
		const n = 100
		for range n {
			hear(t.Context(), m, false)
		}
		if got, most := len(lite.Requests()), 1+(n+router.HedgeWindow)*5/100; got > most || got < most-2 {
			t.Errorf("%d hedges in %d calls after a quiet time, want at most %d and not much less", got, n, most)
		}
	})
}

func TestDelayIsMeasured(t *testing.T) {
	const fast, slow = 300 * time.Millisecond, 700 * time.Millisecond
	for _, test := range []struct {
		name   string
		config router.HedgeConfig
		calls  int           // before the one that hangs
		slow   int           // of each 20 calls, how many are slow
		want   time.Duration // until the hedge is asked
	}{
		{"nothing known", router.HedgeConfig{}, 0, 0, router.DefaultHedgeDelay},
		{"too little known", router.HedgeConfig{}, router.MinHedgeSamples - 1, 0, router.DefaultHedgeDelay},
		{"enough known", router.HedgeConfig{}, router.MinHedgeSamples, 0, fast},
		{"one of twenty slow", router.HedgeConfig{MaxExtraLoad: 1}, 100, 1, fast},
		{"two of twenty slow", router.HedgeConfig{}, 100, 2, slow},
		{"a minimum", router.HedgeConfig{MinDelay: time.Second}, 100, 0, time.Second},
		{"a minimum before anything is known", router.HedgeConfig{MinDelay: time.Minute}, 0, 0, time.Minute},
		{"a fixed delay", router.HedgeConfig{Delay: time.Second}, 100, 0, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				steps := make([]llmtest.Step, test.calls, test.calls+1)
				for i := range steps {
					steps[i] = within(fast, llmtest.Text("x"))
					if i%20 < test.slow {
						steps[i] = within(slow, llmtest.Text("x"))
					}
				}
				steps = append(steps, within(time.Hour, llmtest.Text("x")))
				lite := llmtest.NewModel("lite", llmtest.Text("from lite"))
				m := router.MustHedge(test.config, llmtest.NewModel("flash", steps...), lite)
				for range test.calls {
					if got := hear(t.Context(), m, streamed); got.Err != nil {
						t.Fatal(got.Err)
					}
				}
				synctest.Wait() // for hedges that began as the answer came
				before := len(lite.Requests())
				got := hear(t.Context(), m, streamed)
				if hedges := len(lite.Requests()) - before; got.Took != test.want || hedges != 1 {
					t.Errorf("%d hedges after %v, want one after %v", hedges, got.Took, test.want)
				}
			})
		})
	}
}

// Whole answers take longer than first words: one says nothing of the other.
func TestStreamedAndUnaryCallsAreMeasuredApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := make([]llmtest.Step, 2*router.MinHedgeSamples+1)
		for i := range steps {
			steps[i] = within(300*time.Millisecond, llmtest.Text("x"))
		}
		steps[len(steps)-1] = within(time.Hour, llmtest.Text("x"))
		m := router.MustHedge(router.HedgeConfig{MaxExtraLoad: 1}, llmtest.NewModel("flash", steps...), llmtest.NewModel("lite", llmtest.Text("x")))
		for range 2 * router.MinHedgeSamples {
			hear(t.Context(), m, true)
		}
		if got := hear(t.Context(), m, false); got.Took != router.DefaultHedgeDelay {
			t.Errorf("hedged after %v, want %v", got.Took, router.DefaultHedgeDelay)
		}
	})
}

// The delay follows a model that gets slower, although its slow calls are lost
// to the hedge, and forgets it when it is fast again.
func TestDelayFollowsTheModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, n := 300*time.Millisecond, 0
		flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			n++
			jitter := time.Duration(n*37%100) * time.Millisecond
			within(d+jitter, llmtest.Text("x"))(ctx, req, streamed, yield)
		})
		lite := llmtest.NewModel("lite", within(time.Hour, llmtest.Text("x")))
		m := router.MustHedge(router.HedgeConfig{MaxExtraLoad: 1}, flash, lite)
		hedged := func() int {
			before := len(lite.Requests())
			for range router.HedgeWindow {
				hear(t.Context(), m, true)
			}
			return len(lite.Requests()) - before
		}
		hedged()
		d = time.Second
		if got := hedged(); got == 0 || got > router.HedgeWindow/4 {
			t.Errorf("%d of %d calls hedged while the model got slower, want a few", got, router.HedgeWindow)
		}
		d = 300 * time.Millisecond
		hedged()
		d = 600 * time.Millisecond
		if got := hedged(); got == 0 {
			t.Error("no call hedged: the slow time is still remembered")
		}
	})
}

// Calls that the first model loses tell that it is slow, too.
func TestLostCallsRaiseTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []llmtest.Step
		for range router.MinHedgeSamples {
			steps = append(steps, within(300*time.Millisecond, llmtest.Text("x")))
		}
		steps = append(steps, within(time.Hour, llmtest.Text("x")))
		lite := llmtest.NewModel("lite", within(100*time.Millisecond, llmtest.Text("x")))
		m := router.MustHedge(router.HedgeConfig{MaxExtraLoad: 1}, llmtest.NewModel("flash", steps...), lite)
		for range 2 * router.MinHedgeSamples {
			hear(t.Context(), m, true)
		}
		if got := hear(t.Context(), m, true); got.Took <= 500*time.Millisecond {
			t.Errorf("answered after %v, want more: the delay does not follow", got.Took)
		}
	})
}
