package router_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// ledger is a router with one target that keeps what OnAttempt is told.
func ledger(m model.LLM) (model.LLM, *[]string) {
	var record []string
	return router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
		record = append(record, fmt.Sprint(a.Model, " ", a.Outcome, " ", a.Kind))
	}}}, m), &record
}

// B76: every model of a hedge that was asked stands on record once, however the call
// ends for it.
func TestModelsOfAHedgeAreRecordedOnce(t *testing.T) {
	wait := within(time.Hour, llmtest.Text("late"))
	answersAnyway := func(ctx context.Context, req *model.LLMRequest, s bool, yield func(*model.LLMResponse, error) bool) {
		<-ctx.Done()
		llmtest.Text("too late")(ctx, req, s, yield)
	}
	retry := middleware.MustRetry(middleware.RetryConfig{SkipWait: -1, BaseDelay: 100 * time.Millisecond})
	timeout := func(m model.LLM) model.LLM {
		return middleware.MustTimeout(middleware.TimeoutConfig{Total: 5 * time.Second})(m)
	}
	grace := func(m model.LLM) model.LLM {
		return middleware.MustTimeout(middleware.TimeoutConfig{Total: 5 * time.Second, Grace: time.Second})(m)
	}
	hedge := func(a, b model.LLM) model.LLM {
		return router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1}, a, b)
	}
	fast := within(time.Second, llmtest.Text("b"))
	for _, test := range []struct {
		name string
		m    func() model.LLM
		want []string // sorted
	}{
		{"the loser obeys", func() model.LLM { return hedge(llmtest.NewModel("a", wait), llmtest.NewModel("b", fast)) }, []string{"a failed hedge_lost", "b ok "}},
		{"the loser is deaf", func() model.LLM {
			return hedge(llmtest.NewModel("a", deaf(time.Hour, llmtest.Text("x"))), llmtest.NewModel("b", fast))
		}, []string{"a failed hedge_lost", "b ok "}},
		{"the loser answers anyway", func() model.LLM { return hedge(llmtest.NewModel("a", answersAnyway), llmtest.NewModel("b", fast)) }, []string{"a failed hedge_lost", "b ok "}},
		{"the loser is at its second try", func() model.LLM {
			return hedge(retry(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), wait)), llmtest.NewModel("b", fast))
		},
			[]string{"a failed hedge_lost", "a failed overloaded", "b ok "}},
		{"and answers anyway", func() model.LLM {
			return hedge(retry(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), answersAnyway)), llmtest.NewModel("b", fast))
		},
			[]string{"a failed hedge_lost", "a failed overloaded", "b ok "}},
		{"the time of all is over", func() model.LLM { return timeout(hedge(llmtest.NewModel("a", wait), llmtest.NewModel("b", wait))) }, []string{"a failed timeout", "b failed timeout"}},
		{"the time of all is over, with grace", func() model.LLM { return grace(hedge(llmtest.NewModel("a", wait), llmtest.NewModel("b", wait))) }, []string{"a failed timeout", "b failed timeout"}},
		{"the time of deaf models is over", func() model.LLM {
			return timeout(hedge(llmtest.NewModel("a", deaf(time.Hour, wait)), llmtest.NewModel("b", deaf(time.Hour, wait))))
		}, []string{"a failed timeout", "b failed timeout"}},
		{"each has its own time", func() model.LLM { return hedge(grace(llmtest.NewModel("a", wait)), grace(llmtest.NewModel("b", wait))) }, []string{"a failed timeout", "b failed timeout"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				m, record := ledger(test.m())
				ask(t.Context(), m, streamed)
				time.Sleep(2 * time.Hour) // for deaf models
				slices.Sort(*record)
				if diff := cmp.Diff(test.want, *record); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// B76: a consumer that cancels its context once it has the answer has not been cut off.
func TestAnswerOfAHedgeIsRecordedOnceWhenTheCallerCancels(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		for range 20 {
			hedge := router.MustHedge(router.HedgeConfig{Delay: time.Second}, llmtest.NewModel("a", llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b")))
			m, record := ledger(hedge)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for resp := range m.GenerateContent(ctx, userSays("hi"), streamed) {
				if resp != nil && !resp.Partial {
					cancel()
				}
			}
			if diff := cmp.Diff([]string{"a ok "}, *record); diff != "" {
				t.Fatalf("record (-want +got):\n%s", diff)
			}
		}
	})
}

// B123: the tokens that a loser has told of are in the record, also of a deaf one.
func TestTokensOfALoser(t *testing.T) {
	tells := func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		yield(&model.LLMResponse{Partial: true, UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 7, CandidatesTokenCount: 2}}, nil)
		time.Sleep(time.Minute)
	}
	inBubble(t, func(t *testing.T, streamed bool) {
		m := router.MustHedge(router.HedgeConfig{Delay: time.Second}, llmtest.NewModel("a", tells), llmtest.NewModel("b", llmtest.Text("b")))
		md := ask(t.Context(), m, streamed).metadata()
		time.Sleep(time.Hour) // for a
		if len(md.Attempts) != 2 || md.Attempts[0].InputTokens != 7 || md.Attempts[0].OutputTokens != 2 || md.Attempts[0].Duration != time.Second {
			t.Errorf("attempts %+v, want those of a with 7 and 2 tokens after 1s", md.Attempts)
		}
	})
}

// B76, B125: crowds of calls through one hedge, some cancelled at any moment: each
// attempt is told of once, and nothing is left.
func TestCrowdAtAHedge(t *testing.T) {
	var mu sync.Mutex
	told := map[string]int{} // by call and model
	hedge := router.MustHedge(router.HedgeConfig{Delay: time.Millisecond, MaxExtraLoad: 1},
		llmtest.NewModel("a", within(3*time.Millisecond, llmtest.Text("a b c"))), llmtest.NewModel("b", within(2*time.Millisecond, llmtest.Text("a b c"))))
	m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(ctx context.Context, a call.Attempt) {
		mu.Lock()
		defer mu.Unlock()
		told[call.From(ctx).Session+" "+a.Model]++
	}}}, middleware.MustTimeout(middleware.TimeoutConfig{Total: 4 * time.Millisecond, Grace: time.Second})(hedge))
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(call.With(t.Context(), call.Info{Session: fmt.Sprint(i)}))
			defer cancel()
			if i%3 == 0 {
				time.AfterFunc(time.Duration(i%7)*time.Millisecond, cancel)
			}
			n := 0
			for range m.GenerateContent(ctx, userSays("hi"), i%2 == 0) {
				if n++; i%5 == 0 && n == i%4+1 {
					break
				}
			}
		})
	}
	wg.Wait()
	for who, n := range told {
		if n != 1 {
			t.Errorf("%s was told of %d times", who, n)
		}
	}
}
