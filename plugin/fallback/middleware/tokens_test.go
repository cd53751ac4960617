package middleware_test

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

// tells is a step that sends responses, the last one final, and then follows end.
func tells(end llmtest.Step, responses ...*model.LLMResponse) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		for _, resp := range responses {
			copied := *resp
			if !yield(&copied, nil) {
				return
			}
		}
		end(ctx, req, stream, yield)
	}
}

// nothing ends a call.
func nothing(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) {}

// usage is a partial response with a text, which may be empty, and a usage.
func usage(text string, input, output int32) *model.LLMResponse {
	return &model.LLMResponse{
		Content: genai.NewContentFromText(text, genai.RoleModel), Partial: true,
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: input, CandidatesTokenCount: output},
	}
}

// whole is usage of a final response.
func whole(text string, reason genai.FinishReason, input, output int32) *model.LLMResponse {
	resp := usage(text, input, output)
	resp.Partial, resp.FinishReason = false, reason
	return resp
}

// tokenBudget charges a dollar for each token that it is told of, and a thousand for
// an attempt that tells of none.
func tokenBudget() *middleware.Budget {
	return middleware.MustBudget(middleware.BudgetConfig{Price: price(1000), Cost: func(_ string, u *genai.GenerateContentResponseUsageMetadata) float64 {
		return float64(u.PromptTokenCount + u.CandidatesTokenCount + u.ThoughtsTokenCount + u.ToolUsePromptTokenCount)
	}})
}

// afterTools is a request that follows a completed tool round.
func afterTools() *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText("turn off the light", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "1", Name: "off"}}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: "1", Name: "off", Response: map[string]any{"ok": true}}}}},
	}}
}

// B123: the tokens that an attempt has told of before it failed, or was cut off, are
// in the record, once, and in the bill: the bill is the sum of the record.
func TestTokensOfAttemptsThatFail(t *testing.T) {
	const stop = genai.FinishReasonStop
	deaf := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) {
		time.Sleep(time.Hour)
	}
	dies := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("model") }
	late := func(step llmtest.Step) llmtest.Step {
		return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(time.Minute)
			step(ctx, req, stream, yield)
		}
	}
	half := func(end llmtest.Step) llmtest.Step { return tells(end, usage("half ", 7, 2)) }
	counts := func(input, output int32) llmtest.Step { return tells(nothing, whole("an answer", stop, input, output)) }
	timeout := func(c middleware.TimeoutConfig) middleware.Middleware { return middleware.MustTimeout(c) }
	unlimited := timeout(middleware.TimeoutConfig{Total: time.Hour})
	for _, test := range []struct {
		name   string
		around middleware.Middleware // around the budget of the first model
		steps  []llmtest.Step
		want   []string
	}{
		{"an error", unlimited, []llmtest.Step{half(llmtest.Fail(llmtest.ErrUnavailable))}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"an error before any content", unlimited, []llmtest.Step{tells(llmtest.Fail(llmtest.ErrQuota), usage("", 7, 0))}, []string{"flash failed 7/0", "pro ok 3/1"}},
		{"the latest of several", unlimited, []llmtest.Step{tells(llmtest.Fail(llmtest.ErrUnavailable), usage("half ", 7, 2), usage("of it ", 7, 5))}, []string{"flash failed 7/5", "pro ok 3/1"}},
		{"then a count of nothing", unlimited, []llmtest.Step{tells(llmtest.Fail(llmtest.ErrUnavailable), usage("half ", 7, 2), usage("of it ", 0, 0))}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a truncated stream", unlimited, []llmtest.Step{half(nothing)}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a panic of the model", unlimited, []llmtest.Step{half(dies)}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a timeout", timeout(middleware.TimeoutConfig{Total: time.Second}), []llmtest.Step{half(silence)}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"an idle stream", timeout(middleware.TimeoutConfig{Idle: time.Second}), []llmtest.Step{half(silence)}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a timeout, told of when it has passed", timeout(middleware.TimeoutConfig{Total: time.Second}), []llmtest.Step{late(tells(nothing, whole("late", stop, 7, 2)))}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a grace", timeout(middleware.TimeoutConfig{Total: time.Second, Grace: time.Minute}), []llmtest.Step{half(silence)}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a grace that passes", timeout(middleware.TimeoutConfig{Total: time.Second, Grace: time.Second}), []llmtest.Step{half(deaf)}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a bad response", unlimited, []llmtest.Step{tells(nothing, whole("", genai.FinishReasonMalformedFunctionCall, 7, 2))}, []string{"flash failed 7/2", "pro ok 3/1"}},
		{"a refusal", unlimited, []llmtest.Step{tells(nothing, whole("", genai.FinishReasonSafety, 7, 2))}, []string{"flash failed 7/2"}},
		{"an empty answer, then one", unlimited, []llmtest.Step{tells(nothing, whole("", stop, 7, 2)), counts(5, 4)}, []string{"flash failed 7/2", "flash ok 5/4"}},
		{"two empty answers", unlimited, []llmtest.Step{tells(nothing, whole("", stop, 7, 2)), tells(nothing, whole("", stop, 5, 4))}, []string{"flash failed 7/2", "flash ok 5/4"}},
		{"an empty answer, then an error", unlimited, []llmtest.Step{tells(nothing, whole("", stop, 7, 2)), half(llmtest.Fail(llmtest.ErrUnavailable))}, []string{"flash failed 7/2", "flash failed 7/2", "pro ok 3/1"}},
		{"a retry", middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1}), []llmtest.Step{tells(llmtest.Fail(llmtest.ErrUnavailable), usage("", 7, 2)), counts(5, 4)}, []string{"flash failed 7/2", "flash ok 5/4"}},
		{"an answer that is rejected", middleware.MustValidate(middleware.ValidateConfig{MinLength: 10}), []llmtest.Step{counts(7, 2)}, []string{"flash failed 7/2", "pro ok 3/1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := tokenBudget()
				var got []string
				var sum int
				m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) {
					got = append(got, fmt.Sprintf("%s %s %d/%d", a.Model, a.Outcome, a.InputTokens, a.OutputTokens))
					sum += a.InputTokens + a.OutputTokens
				}}}, middleware.Chain(llmtest.NewModel("flash", test.steps...), test.around, budget.Middleware()),
					budget.Middleware()(llmtest.NewModel("pro", counts(3, 1))))
				var final *model.LLMResponse
				for resp, err := range m.GenerateContent(t.Context(), afterTools(), true) {
					if err == nil && !resp.Partial {
						final = resp
					}
				}
				time.Sleep(2 * time.Hour) // for a model that was left behind
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("the record (-want +got):\n%s", diff)
				}
				wantSpent(t, budget, float64(sum))
				if md, _ := call.ReadResponse(final); md.Triggered {
					told := 0
					for _, a := range md.Attempts {
						told += a.InputTokens + a.OutputTokens
					}
					if told != sum {
						t.Errorf("the metadata tells of %d tokens, want %d", told, sum)
					}
				}
			})
		})
	}
}

// Cached tokens that a switch loses are in the bill: the fallback's input is charged at
// its full rate, and the record says how much of it was cached before.
func TestCachedTokensLostAreInTheBill(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Price: price(1000), Cost: func(_ string, u *genai.GenerateContentResponseUsageMetadata) float64 {
		return float64(10*(u.PromptTokenCount-u.CachedContentTokenCount) + u.CachedContentTokenCount) // a cached token costs a tenth
	}})
	answer := func(cached int32) llmtest.Step {
		resp := whole("an answer", genai.FinishReasonStop, 100, 1)
		resp.UsageMetadata.CachedContentTokenCount = cached
		return tells(nothing, resp)
	}
	var latest call.Attempt
	m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { latest = a }}},
		budget.Middleware()(llmtest.NewModel("flash", answer(80), llmtest.Fail(llmtest.ErrQuota))),
		budget.Middleware()(llmtest.NewModel("pro", answer(0))))
	ctx := call.With(t.Context(), call.Info{Session: "s"})
	llmtest.Consume(ctx, m, 0)
	wantSpent(t, budget, 10*20+80)
	llmtest.Consume(ctx, m, 0)
	wantSpent(t, budget, 10*20+80+10*100)
	if latest.Model != "pro" || latest.InputTokens != 100 || latest.CachedTokens != 0 || latest.CachedTokensLost != 80 {
		t.Errorf("the record has %+v, want 80 cached tokens lost", latest)
	}
}

// B123: a consumer that leaves pays for what it was told of by then.
func TestTokensOfAnAttemptThatItsConsumerLeaves(t *testing.T) {
	for name, leave := range map[string]func(ctx context.Context, m model.LLM){
		"stops": func(ctx context.Context, m model.LLM) { llmtest.Consume(ctx, m, 1) },
		"panics": func(ctx context.Context, m model.LLM) {
			defer func() { _ = recover() }()
			for range m.GenerateContent(ctx, hello(), true) {
				panic("consumer")
			}
		},
		"cancels": func(ctx context.Context, m model.LLM) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			for range m.GenerateContent(ctx, hello(), true) {
				cancel()
			}
		},
	} {
		for _, grace := range []time.Duration{0, time.Minute} {
			t.Run(fmt.Sprint(name, " grace ", grace), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					budget := tokenBudget()
					limit := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: grace})
					flash := llmtest.NewModel("flash", tells(silence, usage("half ", 7, 2)))
					leave(t.Context(), router.MustFallback(router.Config{}, middleware.Chain(flash, limit, budget.Middleware()), llmtest.NewModel("pro", llmtest.Text("pro"))))
					synctest.Wait()
					wantSpent(t, budget, 9)
				})
			})
		}
	}
}
