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
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// An answer that needed no model may be in the consumer's hands for long, too. Meanwhile
// nothing is held for the models that were not called.
func TestNothingIsHeldWhileTheConsumerHasAnAnswerWithoutAModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		deny := stream.Wrap(stream.Of(s.stack(llmtest.NewModel("flash"))), func(context.Context, *model.LLMRequest, bool, *stream.Sink) error { return llmtest.ErrUnavailable })
		m := s.cache.Middleware()(router.MustFallback(router.Config{}, deny, degrade.Template("sorry")))
		time.Sleep(40 * time.Millisecond)
		for _, err := range m.GenerateContent(t.Context(), llmtest.UserSays(strings.Repeat("long", 300)), false) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if r, n := s.left(t); r < requestsLeft || n < tokensLeft {
				t.Errorf("%d requests and %d tokens are left; want %d and %d at least", r, n, requestsLeft, tokensLeft)
			}
			if share := s.budget.Share(""); share != 0 {
				t.Errorf("%v of the budget is used", share)
			}
		}
	})
}

// The next attempt of a call waits for all of its limits at the same time, too, even if the first
// one ran on a goroutine of its own.
func TestNextAttemptWaitsForOneAnswerToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		broken := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second})(s.stack(llmtest.NewModel("broken", llmtest.Fail(llmtest.ErrUnavailable))))
		twice := middleware.MustLimit(s.limits)(s.stack(llmtest.NewModel("flash", llmtest.Text("ok"))))
		m := s.cache.Middleware()(router.MustFallback(router.Config{}, broken, twice))
		time.Sleep(40 * time.Millisecond)
		began := time.Now()
		if got := ask(t.Context(), m, false); got.Err != nil || got.Text() != "ok" {
			t.Fatalf("%q, %v", got.Text(), got.Err)
		}
		if took := time.Since(began); took != 2*trip {
			t.Errorf("the call waited %v; want %v", took, 2*trip)
		}
	})
}

// A preview uses nothing that was taken for the answer, and gives nothing of it back.
func TestPreviewLeavesWhatTheAnswerNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		preview := llmtest.NewModel("preview", llmtest.Within(time.Second, llmtest.Text("well...")))
		m := s.cache.Middleware()(router.MustProgressive(router.ProgressiveConfig{}, preview, s.stack(llmtest.NewModel("flash", llmtest.Text("ok")))))
		time.Sleep(40 * time.Millisecond)
		llmtest.Takes(t, trip, func() {
			if got := ask(t.Context(), m, true); got.Err != nil || got.Text() != "ok" {
				t.Errorf("%q, %v", got.Text(), got.Err)
			}
		})
		time.Sleep(time.Second)
	})
}

// A budget that is not shared never waits, so a call reserves nothing of it before it is needed.
func TestBudgetThatIsNotSharedIsReservedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: func(string, *model.LLMRequest) (float64, bool) { return 1, true }})
		go ask(t.Context(), s.cache.Middleware()(budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("ok")))), false)
		time.Sleep(trip / 2)
		if share := budget.Share(""); share != 0 {
			t.Errorf("%v of the budget is used while the call looks for an answer", share)
		}
		time.Sleep(time.Second)
	})
}

// A call that finds all places taken takes nothing ahead.
func TestCallWithoutAPlaceTakesNothingAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		s.limits.MaxConcurrent = 1
		m := s.cache.Middleware()(s.stack(llmtest.NewModel("flash", llmtest.Within(time.Second, llmtest.Text("ok")))))
		go ask(t.Context(), m, false)
		time.Sleep(100 * time.Millisecond)
		ctx, trips := statetest.CountTrips(t.Context())
		go llmtest.Collect(m.GenerateContent(ctx, llmtest.UserSays("another"), false))
		time.Sleep(100 * time.Millisecond)
		if n := trips.Load(); n != 1 {
			t.Errorf("the store was asked %d times; want once, for the answer", n)
		}
		time.Sleep(5 * time.Second)
	})
}
