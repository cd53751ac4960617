package middleware_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// noted is an attempt in a line: model, outcome, kind, and the duration if it is known.
func noted(a call.Attempt) string {
	line := strings.TrimSpace(fmt.Sprint(a.Model, " ", a.Outcome, " ", a.Kind))
	if a.Duration > 0 {
		line += " " + a.Duration.String()
	}
	return line
}

// B123, B125: each attempt of a call is in its record once, with its duration, whatever
// layers are between it and the router.
func TestEachAttemptIsRecordedOnce(t *testing.T) {
	says, down := after(time.Second, llmtest.Text("an answer")), after(time.Second, llmtest.Fail(llmtest.ErrUnavailable))
	refuses := after(time.Second, llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{FinishReason: genai.FinishReasonSafety}
	}))
	deaf := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) {
		time.Sleep(time.Hour)
	}
	grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute, Grace: time.Second})
	brief := middleware.MustTimeout(middleware.TimeoutConfig{Total: 3 * time.Second, Grace: time.Second})
	retry := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: 1})
	strict := middleware.MustValidate(middleware.ValidateConfig{MinLength: 20})
	chain := func(models ...model.LLM) model.LLM { return router.MustFallback(router.Config{}, models...) }
	flash := func(step llmtest.Step) model.LLM { return llmtest.NewModel("flash", step) }
	pro := func(step llmtest.Step) model.LLM { return llmtest.NewModel("pro", step) }
	for _, test := range []struct {
		name string
		m    model.LLM
		want []string
	}{
		{"an answer", chain(flash(says), pro(says)), []string{"flash ok 1s"}},
		{"a fallback", chain(flash(down), pro(says)), []string{"flash failed overloaded 1s", "pro ok 1s"}},
		{"a grace around one model", chain(grace(flash(down)), pro(says)), []string{"flash failed overloaded 1s", "pro ok 1s"}},
		{"a grace around retries", chain(grace(retry(flash(down))), pro(says)), []string{"flash failed overloaded 1s", "flash failed overloaded 1s", "pro ok 1s"}},
		{"a grace around a router", grace(chain(flash(down), pro(says))), []string{"flash failed overloaded 1s", "pro ok 1s"}},
		{"a grace in a grace", chain(grace(grace(flash(down))), grace(pro(says))), []string{"flash failed overloaded 1s", "pro ok 1s"}},
		{"a grace that passes", chain(brief(chain(flash(down), pro(deaf))), llmtest.NewModel("last", says)),
			[]string{"flash failed overloaded 1s", "pro failed timeout 3s", "last ok 1s"}},
		{"a rejected answer", chain(strict(flash(says)), pro(says)), []string{"flash failed rejected 1s", "pro ok 1s"}},
		{"a rejected answer in a grace", chain(grace(strict(flash(says))), pro(says)), []string{"flash failed rejected 1s", "pro ok 1s"}},
		{"a rejected answer of a grace", chain(strict(grace(flash(says))), pro(says)), []string{"flash failed rejected 1s", "pro ok 1s"}},
		{"a rejected answer of a router", chain(strict(chain(flash(down), pro(says))), llmtest.NewModel("last", says)),
			[]string{"flash failed overloaded 1s", "pro failed rejected 1s", "last ok 1s"}},
		{"a rejected answer, retried", chain(retry(strict(flash(says))), pro(says)), []string{"flash failed rejected 1s", "pro ok 1s"}},
		{"a refusal", chain(flash(refuses), pro(says)), []string{"flash failed content 1s"}},
		{"a refusal in two routers", chain(chain(flash(refuses), pro(says)), llmtest.NewModel("last", says)), []string{"flash failed content 1s"}},
		{"a refusal of a fallback", chain(flash(down), grace(retry(pro(refuses)))), []string{"flash failed overloaded 1s", "pro failed content 1s"}},
		{"a last resort", chain(flash(down), degrade.Template("sorry")), []string{"flash failed overloaded 1s", "template-response ok"}},
		{"a last resort of a router within", chain(chain(flash(down), degrade.Template("sorry")), pro(down)),
			[]string{"flash failed overloaded 1s", "pro failed overloaded 1s", "template-response ok"}},
		{"a last resort in a grace", grace(chain(flash(down), degrade.Template("sorry"))), []string{"flash failed overloaded 1s", "template-response ok"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, attempts := record(t, test.m)
				var got []string
				for _, a := range attempts {
					got = append(got, noted(a))
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("the record (-want +got):\n%s", diff)
				}
				time.Sleep(2 * time.Hour) // for a model that was left behind
			})
		})
	}
}

// B80, B125: what a model does after the end of its call is not recorded, nor told.
func TestNothingIsRecordedAfterTheCall(t *testing.T) {
	late := func(end llmtest.Step) llmtest.Step {
		return func(_ context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(time.Minute)
			end(context.Background(), req, streamed, yield)
		}
	}
	for name, end := range map[string]llmtest.Step{
		"an answer": llmtest.Text("late"), "an error": llmtest.Fail(llmtest.ErrUnavailable),
		"a panic": func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("late") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []string
				inner := router.MustFallback(router.Config{}, llmtest.NewModel("flash", late(end)), llmtest.NewModel("pro", late(end)))
				m := router.MustFallback(router.Config{Hooks: call.Hooks{OnAttempt: func(_ context.Context, a call.Attempt) { told = append(told, noted(a)) }}},
					middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Second, Grace: time.Second})(inner), llmtest.NewModel("last", llmtest.Text("an answer")))
				out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
				out.End(stream.Of(m).Do(t.Context(), hello(), true, out))
				before, _ := out.Attempts()
				time.Sleep(time.Hour)
				later, _ := out.Attempts()
				if diff := cmp.Diff(before, later); diff != "" || len(before) != 2 {
					t.Errorf("the record changes after the call (-before +later):\n%s\nof %v", diff, before)
				}
				if diff := cmp.Diff([]string{"flash failed timeout 2s", "last ok"}, told); diff != "" {
					t.Errorf("the hook was told (-want +got):\n%s", diff)
				}
			})
		})
	}
}
