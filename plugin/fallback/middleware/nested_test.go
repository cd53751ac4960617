package middleware_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// nested makes a call, and another one while it holds the final response of the
// first, as ADK does when it runs a tool or hands over to another agent.
func nested(t *testing.T, outer, inner model.LLM) error {
	t.Helper()
	req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}}
	for resp, err := range outer.GenerateContent(t.Context(), req, true) {
		if err != nil {
			return err
		}
		if !resp.Partial {
			return ask(t.Context(), inner, true).err
		}
	}
	return errors.New("no final response")
}

func TestLimitLeavesAtTheFinalResponse(t *testing.T) {
	for _, test := range []struct {
		name   string
		config middleware.LimitConfig
	}{
		{"concurrency", middleware.LimitConfig{MaxConcurrent: 1}},
		{"concurrency and tokens", middleware.LimitConfig{MaxConcurrent: 1, TokensPerMinute: 1000}},
		{"adaptive", middleware.LimitConfig{MaxConcurrent: 1, Adaptive: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := middleware.MustLimit(test.config)(llmtest.NewModel("flash", llmtest.Text("to be continued")))
				mustNotHang(t, 0, func() {
					if err := nested(t, m, m); err != nil {
						t.Errorf("the call within: %v", err)
					}
				})
			})
		})
	}
}

// The place is given back once: else two calls could be under way.
func TestLimitLeavesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1})(d.model())
		first := send(t.Context(), m, "first", "")
		d.release <- nil
		<-first
		send(t.Context(), m, "second", "")
		third := send(t.Context(), m, "third", "")
		if got := len(d.names()); got != 2 {
			t.Errorf("%d calls were let in, want 2", got)
		}
		d.release <- nil
		d.release <- nil
		<-third
	})
}

func TestBreakerEndsAtTheFinalResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scripted := llmtest.NewModel("flash", down, llmtest.Text("to be continued"))
		m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Second})(scripted)
		if generate(t.Context(), m) == nil {
			t.Fatal("the first call succeeds, want it to open the breaker")
		}
		time.Sleep(time.Second)
		if err := nested(t, m, m); err != nil {
			t.Errorf("the call within a probe's answer: %v", err)
		}
	})
}

// What an answer does not need of its reservation is free before the consumer gets it.
func TestBudgetIsChargedAtTheFinalResponse(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 15, Price: price(10), Cost: perToken})
	m := budget.Middleware()(llmtest.NewModel("flash", counted("to be continued", 3)))
	if err := nested(t, m, m); err != nil {
		t.Errorf("the call within: %v", err)
	}
	wantSpent(t, budget, 3+3)
}

// A usage after the answer counts, too, and no part of it twice.
func TestBudgetChargesALaterUsage(t *testing.T) {
	for name, test := range map[string]struct {
		usages []int32 // of the final responses; 0 for none
		want   float64
	}{
		"more":  {[]int32{3, 5}, 5},
		"less":  {[]int32{5, 3}, 5},
		"last":  {[]int32{0, 3}, 3},
		"first": {[]int32{3, 0}, 3},
	} {
		budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 100, Price: price(10), Cost: perToken})
		m := budget.Middleware()(llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			for _, tokens := range test.usages {
				more := true
				counted("part", tokens)(ctx, req, stream, func(resp *model.LLMResponse, err error) bool {
					more = yield(resp, err)
					return more
				})
				if !more {
					return
				}
			}
		}))
		for range m.GenerateContent(t.Context(), hello(), true) {
			continue
		}
		if got := budget.Spent(""); got != test.want {
			t.Errorf("%s: spent %v, want %v", name, got, test.want)
		}
		wantNothingReserved(t, budget)
	}
}
