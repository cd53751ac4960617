package router_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A rule about answers sees all of one that a model sends in several final responses.
func TestRuleSeesTheWholeAnswer(t *testing.T) {
	final := func(text string) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	}
	rule := on(func(o *router.Observation) bool {
		return o.Answer != nil && llmtest.TextOf(o.Answer.Content) == "onetwo"
	})
	rule.Answers = true
	m := router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Send(final("one"), final("two"))), router.When(rule, llmtest.NewModel("pro", llmtest.Text("better"))))
	if got := llmtest.Ask(t.Context(), m, true); got.Text() != "better" || got.Err != nil {
		t.Errorf("answer %q (%v), want the next model's", got.Text(), got.Err)
	}
}
