package middleware_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// breakerOf returns the state of the breaker in m.
func breakerOf(t *testing.T, m model.LLM) *inspect.Breaker {
	t.Helper()
	for n := range inspect.Of(m).States() {
		if n.Breaker != nil {
			return n.Breaker
		}
	}
	t.Fatal("the tree has no breaker")
	return nil
}

func TestInspectBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OpenFor: time.Minute})(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)))
		ignore := cmpopts.IgnoreFields(inspect.Breaker{}, "Control")
		for i, want := range []inspect.Breaker{
			{State: inspect.Closed},
			{State: inspect.Closed, Failures: 1},
			{State: inspect.Open, Reason: "overloaded or unavailable", Until: time.Now().Add(time.Minute)},
		} {
			if diff := cmp.Diff(want, *breakerOf(t, m), ignore); diff != "" {
				t.Errorf("after %d failures (-want +got):\n%s", i, diff)
			}
			llmtest.Consume(t.Context(), m, 0)
		}
	})
}

func TestBreakerByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		target := llmtest.NewModel("a", llmtest.Text("hello"))
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OnStateChange: func(_ string, from, to middleware.BreakerState) { changes = append(changes, string(from+"→"+to)) }})(target)
		refused := func() bool {
			for _, err := range m.GenerateContent(t.Context(), &model.LLMRequest{}, false) {
				if e, ok := errors.AsType[*middleware.RefusedError](err); ok {
					if e.Reason != "open; maintenance" {
						t.Errorf("the reason is %q", e.Reason)
					}
					return true
				}
			}
			return false
		}

		breakerOf(t, m).Open(0, "nothing")
		if refused() {
			t.Error("a breaker that was opened for no time refuses calls")
		}
		breakerOf(t, m).Open(time.Hour, "maintenance")
		breakerOf(t, m).Open(time.Minute, "shorter") // it stays open for longer
		if time.Sleep(59 * time.Minute); !refused() {
			t.Error("a breaker that was opened by hand lets a call through")
		}
		breakerOf(t, m).Close()
		if refused() {
			t.Error("a breaker that was closed by hand refuses calls")
		}
		breakerOf(t, m).Open(time.Hour, "maintenance")
		time.Sleep(time.Hour)
		if refused() {
			t.Error("a breaker lets no probe through when its time is over")
		}
		breakerOf(t, m).Close() // it is
		want := []string{"closed→open", "open→closed", "closed→open", "open→half_open", "half_open→closed"}
		if diff := cmp.Diff(want, changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// A breaker that was closed by hand must not open by the failures before.
func TestBreakerClosedByHandForgetsFailures(t *testing.T) {
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2})(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)))
	for range 3 {
		llmtest.Consume(t.Context(), m, 0)
		breakerOf(t, m).Close()
	}
	if b := breakerOf(t, m); b.State != inspect.Closed || b.Failures != 0 {
		t.Errorf("the breaker is %s after %d failures", b.State, b.Failures)
	}
}

func TestBreakerClosedByHandForgetsTheRatio(t *testing.T) {
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 100, FailureRatio: 0.5, MinRequests: 3})(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)))
	for range 2 {
		breakerOf(t, m).Close()
		llmtest.Consume(t.Context(), m, 0)
		llmtest.Consume(t.Context(), m, 0)
	}
	if b := breakerOf(t, m); b.State != inspect.Closed {
		t.Errorf("the breaker is %s: %s", b.State, b.Reason)
	}
}

func TestBreakerClosedByHandForgetsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Minute})(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)))
		breakerOf(t, m).Open(time.Hour, "maintenance")
		breakerOf(t, m).Close()
		if b := breakerOf(t, m); b.Reason != "" || !b.Until.IsZero() {
			t.Errorf("closed, the breaker is open until %v: %s", b.Until, b.Reason)
		}
		llmtest.Consume(t.Context(), m, 0)
		if b := breakerOf(t, m); b.State != inspect.Open || !b.Until.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("after a failure, the breaker is %s until %v; want open for a minute", b.State, b.Until)
		}
	})
}

// B141
func TestReasonOfABreakerOpenedByHand(t *testing.T) {
	for reason, want := range map[string]string{
		"":                          "opened by hand",
		"maintenance\n\x1b[31m\xff": "maintenance \uFFFD[31m\uFFFD",
		strings.Repeat("x", 1<<20):  strings.Repeat("x", call.MaxNameBytes-3) + "…",
	} {
		m := middleware.MustBreaker(middleware.BreakerConfig{})(llmtest.NewModel("a", llmtest.Text("hello")))
		breakerOf(t, m).Open(time.Hour, reason)
		if got := breakerOf(t, m).Reason; got != want {
			t.Errorf("the reason is %.200q, want %q", got, want)
		}
	}
}

// What a probe that is under way shows counts no more once an operator has decided.
func TestBreakerByHandDuringAProbe(t *testing.T) {
	for name, c := range map[string]struct {
		decide func(*inspect.Breaker)
		step   llmtest.Step
		want   inspect.BreakerState
	}{
		"opened, then the probe succeeds": {func(b *inspect.Breaker) { b.Open(time.Hour, "") }, llmtest.Text("hello"), inspect.Open},
		"closed, then the probe fails":    {func(b *inspect.Breaker) { b.Close() }, llmtest.Fail(llmtest.ErrUnavailable), inspect.Closed},
	} {
		for _, own := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				config := middleware.BreakerConfig{OpenFor: time.Minute}
				if own {
					config.Probe = middleware.Ping
				}
				m := middleware.MustBreaker(config)(llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					time.Sleep(time.Second)
					c.step(ctx, req, stream, yield)
				}))
				breakerOf(t, m).Open(time.Minute, "")
				time.Sleep(time.Minute)
				go llmtest.Consume(t.Context(), m, 0)
				synctest.Wait()
				if state := breakerOf(t, m).State; state != inspect.HalfOpen {
					t.Errorf("%s: before, the breaker is %s", name, state)
				}
				c.decide(breakerOf(t, m))
				time.Sleep(10 * time.Second)
				if state := breakerOf(t, m).State; state != c.want {
					t.Errorf("%s (the breaker's own: %v): it is %s", name, own, state)
				}
			})
		}
	}
}

// The copy of a state, such as one from JSON, controls nothing.
func TestBreakerFromJSON(t *testing.T) {
	m := middleware.MustBreaker(middleware.BreakerConfig{})(llmtest.NewModel("a", llmtest.Text("hello")))
	data, err := json.Marshal(inspect.Of(m))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"layer":"breaker","name":"a","breaker":{"state":"closed","failures":0},"inner":[{"layer":"model","name":"a"}]}`
	if string(data) != want {
		t.Errorf("JSON is %s, want %s", data, want)
	}
	var n inspect.Node
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	n.Breaker.Open(time.Hour, "")
	n.Breaker.Close()
	if b := breakerOf(t, m); b.State != inspect.Closed {
		t.Errorf("the breaker is %s", b.State)
	}
}

func TestInspectLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan bool), make(chan bool)
		target := llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			entered <- true
			<-leave
			llmtest.Text("hello")(ctx, req, stream, yield)
		})
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1, RequestsPerMinute: 60, TokensPerMinute: 6000, MaxQueue: 5})(target)
		for range 3 {
			go llmtest.Consume(t.Context(), m, 0)
		}
		<-entered
		synctest.Wait()
		want := &inspect.Limit{InFlight: 1, MaxConcurrent: 1, Queued: 2, MaxQueue: 5, RequestsPerMinute: 60, TokensPerMinute: 6000, Pace: 1}
		if diff := cmp.Diff(want, inspect.Of(m).Limit); diff != "" {
			t.Errorf("limit (-want +got):\n%s", diff)
		}
		leave <- true
		for range 2 {
			<-entered
			leave <- true
		}
	})
}

func TestInspectBudget(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{
		Limits: map[string]float64{"small": 1}, Price: func(string, *model.LLMRequest) (float64, bool) { return 0.25, true },
	})
	a, b := budget.Middleware()(llmtest.NewModel("a", llmtest.Text("hello"))), budget.Middleware()(llmtest.NewModel("b", llmtest.Text("hello")))
	for _, tenant := range []string{"large", "large", "small"} {
		llmtest.Consume(call.With(t.Context(), call.Info{Tenant: tenant}), a, 0)
	}
	for range inspect.MaxTenants {
		llmtest.Consume(call.With(t.Context(), call.Info{Tenant: time.Now().String()}), b, 0)
	}
	n := inspect.Of(a)
	got := n.Budget
	if got.More != 2 || len(got.Tenants) != inspect.MaxTenants || got.Spent != 0.25*float64(3+inspect.MaxTenants) {
		t.Errorf("%d tenants are listed and %d are not, with %v USD", len(got.Tenants), got.More, got.Spent)
	}
	want := []inspect.Spending{{Tenant: "small", Spent: 0.25, Limit: 1}, {Tenant: "large", Spent: 0.5}}
	if diff := cmp.Diff(want, got.Tenants[:2]); diff != "" {
		t.Errorf("tenants (-want +got):\n%s", diff)
	}
	if n.State != inspect.Of(b).State {
		t.Error("the states of one budget around two models differ")
	}
}
