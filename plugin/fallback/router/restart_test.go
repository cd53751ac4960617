package router_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// Only the first partial response of each answer names the model, also if one model answers
// twice, and if a rule observes it. B52
func TestFirstPartOfAnAnswerNamesItsModel(t *testing.T) {
	marker := &model.LLMResponse{Content: chunk("").Content, Partial: true, CustomMetadata: map[string]any{call.KeyRestart: true}} // of a router in the application's model
	first := llmtest.NewModel("first", send(chunk("He"), chunk("l"), marker, chunk("Hel"), chunk("lo"), &model.LLMResponse{Content: chunk("Hello").Content, FinishReason: genai.FinishReasonStop}))
	for name, second := range map[string]model.LLM{
		"no rule":                         says("second"),
		"a rule on time to first content": router.When(router.Rule{TTFT: true}, says("second")),
	} {
		var got []string
		for resp, err := range fallback(first, second).GenerateContent(t.Context(), userSays("hi"), true) {
			switch {
			case err != nil:
				t.Error(err)
			case resp.CustomMetadata[call.KeyRestart] == true:
				got = append(got, "|")
			case resp.Partial:
				got = append(got, fmt.Sprint(resp.CustomMetadata[call.KeyModelName]))
			}
		}
		if text := strings.Join(got, " "); text != "first <nil> | first <nil>" {
			t.Errorf("%s: the parts name %s; want first <nil> | first <nil>", name, text)
		}
	}
}

// A model whose answer is empty after tools is not called again if the consumer has seen its
// thoughts and must not be told to discard them. B53
func TestEmptyAnswerAfterThoughtsThatStand(t *testing.T) {
	m := llmtest.NewModel("m", mute(genai.FinishReasonStop, "hm"))
	got := afterTools(t.Context(), router.MustFallback(router.Config{MidStream: router.FailMidStream}, m), true)
	if got.stream != "hm" || got.err == nil || len(m.Requests()) != 1 {
		t.Errorf("%s, %v after %d requests; want an error after the thought", got.stream, got.err, len(m.Requests()))
	}
}

// An answer that was rejected is neither the first content nor the end of its call.
func TestEndOfACallWithARejectedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got call.Result
		config := router.Config{Hooks: call.Hooks{OnEnd: func(_ context.Context, r call.Result) { got = r }}}
		never := on(func(o *router.Observation) bool { return o.Moment == router.WhenAnswered })
		never.Answers = true
		first := llmtest.NewModel("first", within(time.Second, llmtest.Text("no")))
		ask(t.Context(), router.MustFallback(config, first, router.When(never, llmtest.NewModel("second", within(time.Second, llmtest.Fail(llmtest.ErrUnavailable))))), true)
		if got.FirstContent != 0 || got.Duration != 2*time.Second {
			t.Errorf("first content after %v, end after %v; want none, and 2s", got.FirstContent, got.Duration)
		}
	})
}
