package router_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// afterTools asks what follows a completed tool round.
func afterTools(ctx context.Context, m model.LLM, streamed bool) seen {
	req := llmtest.ToolsHaveRun()
	req.Model = m.Name()
	return collect(m.GenerateContent(ctx, req, streamed))
}

// B112: an empty answer after tools is one when the model has given it twice.
func TestEmptyAnswerAfterToolsIsAnAnswer(t *testing.T) {
	stop := genai.FinishReasonStop
	for name, around := range map[string]func(m, other model.LLM) model.LLM{
		"alone":  func(m, _ model.LLM) model.LLM { return m },
		"router": func(m, other model.LLM) model.LLM { return fallback(m, other) },
		"retry": func(m, other model.LLM) model.LLM {
			return fallback(middleware.MustRetry(middleware.RetryConfig{})(m), other)
		},
		"validate": func(m, other model.LLM) model.LLM {
			return fallback(middleware.MustValidate(middleware.ValidateConfig{})(m), other)
		},
		"timeout with grace": func(m, other model.LLM) model.LLM {
			return fallback(middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second})(m), other)
		},
		"hedge": func(m, other model.LLM) model.LLM { return router.MustHedge(router.HedgeConfig{}, m, other) },
		"resumed": func(m, other model.LLM) model.LLM {
			return router.MustFallback(router.Config{MidStream: router.Resume}, m, other)
		},
	} {
		for _, streamed := range []bool{false, true} {
			for answer, step := range map[string]llmtest.Step{"nothing": mute(stop), "thoughts": mute(stop, "hm")} {
				t.Run(fmt.Sprint(name, "/", answer, "/", streamed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var opened []middleware.BreakerState
						breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OnStateChange: func(_ string, _, to middleware.BreakerState) {
							opened = append(opened, to)
						}})
						m, other := llmtest.NewModel("m", step), llmtest.NewModel("other", llmtest.Text("other"))
						got := afterTools(t.Context(), around(breaker(m), other), streamed)
						if got.err != nil || got.final == nil || got.final.FinishReason != stop || len(got.final.Content.Parts) > 1 {
							t.Fatalf("the consumer saw %+v, want the empty answer", got)
						}
						if asked := len(m.Requests()); asked != 2 || len(other.Requests()) > 0 || len(opened) > 0 {
							t.Errorf("m was asked %d times, other %d, the breaker is %v; want 2, 0 and closed", asked, len(other.Requests()), opened)
						}
						if _, triggered := got.final.CustomMetadata[call.KeyTriggered]; triggered {
							t.Errorf("metadata %v, want no fallback", got.final.CustomMetadata)
						}
					})
				})
			}
		}
	}
}

// B112: whatever is no such answer is a failure, as ever.
func TestOtherEmptyAnswersAreFailures(t *testing.T) {
	for _, test := range []struct {
		name  string
		step  llmtest.Step
		asks  func(context.Context, model.LLM, bool) seen
		calls int
	}{
		{"no tools before", mute(genai.FinishReasonStop), ask, 1},
		{"cut off", mute(genai.FinishReasonMaxTokens), afterTools, 1},
		{"cut off in thoughts", mute(genai.FinishReasonMaxTokens, "hm"), afterTools, 1},
		{"without a finish reason", mute(""), afterTools, 1},
		{"an error code", llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{ErrorCode: "503", FinishReason: genai.FinishReasonStop}
		}), afterTools, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, streamed := range []bool{false, true} {
				m := llmtest.NewModel("m", test.step)
				got := test.asks(t.Context(), fallback(m, llmtest.NewModel("other", llmtest.Text("other"))), streamed)
				if md := got.metadata(); md.ModelName != "other" || len(m.Requests()) != test.calls {
					t.Errorf("%q answers (%v) after %d calls of m, want other after %d", md.ModelName, got.err, len(m.Requests()), test.calls)
				}
			}
		})
	}
}

// B112: the second call decides, whatever it brings.
func TestCallAfterAnEmptyAnswerDecides(t *testing.T) {
	for _, test := range []struct {
		name   string
		second llmtest.Step
		want   []string
	}{
		{"it answers", llmtest.Text("done"), nil},
		{"it is empty too", mute(genai.FinishReasonStop), nil},
		{"it fails", llmtest.Fail(llmtest.ErrQuota), []string{"m failed empty", "m failed rate_limit", "other ok "}},
		{"it is cut off", mute(genai.FinishReasonMaxTokens), []string{"m failed empty", "m failed empty", "other ok "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := llmtest.NewModel("m", mute(genai.FinishReasonStop), test.second)
			got := afterTools(t.Context(), fallback(m, llmtest.NewModel("other", llmtest.Text("other"))), true)
			var record []string
			for _, a := range got.metadata().Attempts {
				record = append(record, fmt.Sprint(a.Model, " ", a.Outcome, " ", a.Kind))
			}
			if diff := cmp.Diff(test.want, record); diff != "" || len(m.Requests()) != 2 {
				t.Errorf("m was asked %d times; record (-want +got):\n%s", len(m.Requests()), diff)
			}
		})
	}
}
