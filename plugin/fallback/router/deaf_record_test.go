package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// deafAfter sends responses and ignores its context from then on, for an hour.
func deafAfter(responses ...*model.LLMResponse) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		send(responses...)(ctx, req, streamed, yield)
		time.Sleep(time.Hour)
	}
}

// B114, B119, B123: an attempt that is left behind is recorded under the name of the
// model that was at work, with its own time and the tokens that it has told.
func TestRecordOfAModelThatIsLeftBehind(t *testing.T) {
	grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: 3 * time.Second, Grace: time.Second})
	validate := middleware.MustValidate(middleware.ValidateConfig{MinLength: 1})
	hedged := func(first model.LLM) model.LLM {
		return router.MustHedge(router.HedgeConfig{Delay: 4 * time.Second, MaxExtraLoad: 1}, first, llmtest.NewModel("last", llmtest.Text("last")))
	}
	then := func(first model.LLM) model.LLM {
		return fallback(first, llmtest.NewModel("last", llmtest.Text("last")))
	}
	slow := func(name string) model.LLM { // fails after a second
		return llmtest.NewModel(name, func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(time.Second)
			llmtest.Fail(llmtest.ErrUnavailable)(ctx, req, streamed, yield)
		})
	}
	deaf := func(name string) model.LLM { return llmtest.NewModel(name, deafAfter(counted("x", 5))) }
	type record struct {
		Model  string
		Took   time.Duration
		Tokens int
	}
	for _, test := range []struct {
		name string
		m    model.LLM
		want []record
	}{
		{"alone", then(grace(deaf("a"))), []record{{"a", 4 * time.Second, 5}}},
		{"held back", then(grace(validate(deaf("a")))), []record{{"a", 4 * time.Second, 5}}},
		{"second in a group", then(grace(fallback(slow("a"), deaf("b")))), []record{{"a", time.Second, 0}, {"b", 3 * time.Second, 5}}},
		{"in a hedge", hedged(validate(deaf("a"))), []record{{"a", 4 * time.Second, 5}}},
		{"in a hedge's group", hedged(fallback(slow("a"), validate(deaf("b")))), []record{{"a", time.Second, 0}, {"b", 3 * time.Second, 5}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []record
				for resp, err := range test.m.GenerateContent(t.Context(), userSays("hi"), true) {
					if err != nil {
						t.Fatal(err)
					}
					md, _ := call.ReadResponse(resp)
					for _, a := range md.Attempts {
						if a.Outcome == call.Failed {
							got = append(got, record{a.Model, a.Duration, a.InputTokens})
						}
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("failed attempts on record (-want +got):\n%s", diff)
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}
