package router_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// The chunks without content that a rejected answer began with are not shown as the beginning of
// the next answer. B51
func TestNextAnswerBeginsWithNothingOfARejectedOne(t *testing.T) {
	pays := genai.NewContentFromParts([]*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "pay"}}}, genai.RoleModel)
	second := llmtest.NewModel("second", send(
		&model.LLMResponse{Partial: true, ModelVersion: "second-001"},
		&model.LLMResponse{Partial: true, Content: pays},
		&model.LLMResponse{Content: pays, FinishReason: genai.FinishReasonStop},
	))
	m := router.MustFallback(router.Config{Gate: guard.Gate{Tools: []string{"pay"}}}, down("first"), second, llmtest.NewModel("third", pieces("I cannot.", "I cannot.")))
	for resp, err := range m.GenerateContent(t.Context(), withTools("pay"), true) {
		if err != nil || resp.ModelVersion != "" {
			t.Errorf("the consumer got %+v, %v; want third's answer alone", resp, err)
		}
	}
}
