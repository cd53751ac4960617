package router_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func TestNextModelIsAskedAtOnceAfterAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := llmtest.NewModel("flash", within(time.Second, llmtest.Fail(llmtest.ErrUnavailable))), llmtest.NewModel("lite", llmtest.Text("from lite"))
		m := router.MustHedge(router.HedgeConfig{Delay: time.Minute}, flash, lite)
		for range 50 { // the bound on extra load is for hedges
			got := hear(t.Context(), m, streamed)
			if got.Err != nil || got.Final != "from lite" || got.Took != time.Second {
				t.Fatalf("heard %+v, want the answer of lite after 1s", got)
			}
			if diff := cmp.Diff([]string{"flash failed overloaded"}, got.Record); diff != "" {
				t.Fatalf("record (-want +got):\n%s", diff)
			}
		}
	})
}

func TestHedgeAnswersWhenFirstModelFailsLater(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := llmtest.NewModel("flash", within(2*time.Second, llmtest.Fail(llmtest.ErrUnavailable))), llmtest.NewModel("lite", within(5*time.Second, llmtest.Text("from lite")))
		pro := llmtest.NewModel("pro", llmtest.Text("x"))
		m := router.MustHedge(router.HedgeConfig{Delay: 1500 * time.Millisecond}, flash, lite, pro)
		// lite is asked after 1.5s; pro would be asked 1.5s later, but the budget
		// of the first call is one hedge.
		got := hear(t.Context(), m, streamed)
		if got.Final != "from lite" || got.Took != 6500*time.Millisecond || len(pro.Requests()) > 0 {
			t.Errorf("heard %+v, want the answer of lite after 6.5s, and pro not asked", got)
		}
		if diff := cmp.Diff([]string{"flash failed overloaded"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestFirstModelAnswersWhenHedgeFails(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash, lite := llmtest.NewModel("flash", within(5*time.Second, llmtest.Text("from flash"))), llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrUnavailable))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		if got.Err != nil || got.Final != "from flash" {
			t.Errorf("heard %+v, want the answer of flash", got)
		}
		if diff := cmp.Diff([]string{"lite failed overloaded"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestLastModelIsAskedByTheHedgeThatFailedLast(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		flash := llmtest.NewModel("flash", within(2*time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
		lite := llmtest.NewModel("lite", within(3*time.Second, llmtest.Fail(llmtest.ErrInternal)))
		pro := llmtest.NewModel("pro", llmtest.Text("from pro"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: 1500 * time.Millisecond}, flash, lite, pro), streamed)
		if got.Final != "from pro" || got.Took != 4500*time.Millisecond {
			t.Errorf("heard %+v, want the answer of pro after 4.5s", got)
		}
		if diff := cmp.Diff([]string{"flash failed overloaded", "lite failed server"}, got.Record); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestVerdictToFailAsksNobodyElse(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		bad := genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "contents is empty"}
		flash, lite := llmtest.NewModel("flash", llmtest.Fail(bad)), llmtest.NewModel("lite", llmtest.Text("x"))
		got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
		var api genai.APIError
		if !errors.As(got.Err, &api) || api.Code != 400 || len(lite.Requests()) > 0 {
			t.Errorf("error %v and %d calls of lite, want the 400 and none", got.Err, len(lite.Requests()))
		}
	})
}

func TestAllFailedNamesEveryModelInOrder(t *testing.T) {
	for name, last := range map[string]time.Duration{"first model last": 2 * time.Second, "hedge last": time.Minute, "before the delay": 0} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				flash := llmtest.NewModel("flash", within(min(last, 5*time.Second), llmtest.Fail(llmtest.ErrUnavailable)))
				lite := llmtest.NewModel("lite", within(last/2, llmtest.Fail(llmtest.ErrInternal)))
				got := hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, lite), streamed)
				var all *router.AllFailedError
				if !errors.As(got.Err, &all) || len(all.Causes) != 2 {
					t.Fatalf("error %v, want an AllFailedError of two", got.Err)
				}
				for i, code := range []int{503, 500} {
					var api genai.APIError
					if !errors.As(all.Causes[i], &api) || api.Code != code {
						t.Errorf("cause %d is %v, want %d", i, all.Causes[i], code)
					}
				}
				slices.Sort(got.Record) // it is in the order in which they ended
				if diff := cmp.Diff([]string{"flash failed overloaded", "lite failed server"}, got.Record); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRefusalIsRecordedAsSkipped(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second},
			breaker(llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))), llmtest.NewModel("lite", llmtest.Text("from lite")))
		hear(t.Context(), m, streamed)
		got := hear(t.Context(), m, streamed)
		if diff := cmp.Diff([]string{"flash skipped refused"}, got.Record); got.Final != "from lite" || diff != "" {
			t.Errorf("heard %+v, record (-want +got):\n%s", got, diff)
		}
	})
}

// A failure after the first content is the caller's to handle: a Fallback
// around the hedge restarts the answer.
func TestWinnerThatFailsIsRestartedByAFallback(t *testing.T) {
	for name, delay := range map[string]time.Duration{"first model": time.Minute, "hedge": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cut := within(time.Second, llmtest.Fail(llmtest.ErrUnavailable, "half an "))
				other := within(time.Hour, llmtest.Text("x"))
				first, second := llmtest.NewModel("flash", cut), llmtest.NewModel("lite", other)
				if delay < time.Second {
					first, second = llmtest.NewModel("flash", other), llmtest.NewModel("lite", cut)
				}
				m := router.MustFallback(router.Config{}, router.MustHedge(router.HedgeConfig{Delay: delay}, first, second), llmtest.NewModel("pro", llmtest.Text("from pro")))
				got := hear(t.Context(), m, true)
				if got.Partial != "half an |from pro" || got.Final != "from pro" {
					t.Errorf("heard %+v, want a restart", got)
				}
			})
		})
	}
}

// A composite within a hedge restarts its own answer through it.
func TestRestartWithinAHedge(t *testing.T) {
	for name, first := range map[string]time.Duration{"first model": 0, "hedge": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				composite := router.MustFallback(router.Config{}, llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrUnavailable, "half an ")), llmtest.NewModel("pro", llmtest.Text("from pro")))
				flash := llmtest.NewModel("flash", within(first, llmtest.Text("x")))
				m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, composite)
				if first == 0 {
					m = router.MustHedge(router.HedgeConfig{Delay: time.Second}, composite, flash)
				}
				got := hear(t.Context(), m, true)
				if got.Partial != "half an |from pro" || got.Final != "from pro" {
					t.Errorf("heard %+v, want a restart", got)
				}
				if n := count(got.Record, "lite failed overloaded"); n != 1 {
					t.Errorf("record %v, want the failure of lite once", got.Record)
				}
				md := got.Metadata
				if !md.Triggered || md.FallbackModel != "pro" || md.OriginalModel != m.Name() || md.ModelName != "pro" {
					t.Errorf("metadata %+v", md)
				}
			})
		})
	}
}

// The loser's layers see their own cancellation, not the target's fault.
func TestLosingIsNotTheTargetsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
		flash := llmtest.NewModel("flash", within(time.Minute, llmtest.Text("x")), llmtest.Text("from flash"))
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, breaker(flash), llmtest.NewModel("lite", llmtest.Text("from lite")))
		for _, want := range []string{"from lite", "from flash"} {
			if got := hear(t.Context(), m, true); got.Final != want {
				t.Errorf("heard %+v, want %q", got, want)
			}
		}
	})
}

func TestHedgeLostIsAVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		flash := llmtest.NewModel("flash", func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			yield(nil, ctx.Err())
		})
		hear(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, flash, llmtest.NewModel("lite", llmtest.Text("x"))), false)
		synctest.Wait()
		if v := failure.Classify(cause); v.Kind != router.KindHedgeLost || v.Action != failure.Fail {
			t.Errorf("the loser's cause %v means %+v", cause, v)
		}
	})
}
