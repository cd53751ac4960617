package cascade_test

import (
	"context"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
)

// A model may send its answer in several responses. The consumer gets all of them or none.
func TestAnswerInSeveralResponses(t *testing.T) {
	says := func(text string) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	}
	for _, test := range []struct {
		confidence float64
		want       string
	}{{1, "[one][two]"}, {0, "strong[strong]"}} {
		judge := cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
			return test.confidence, nil
		})
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{judge}},
			llmtest.NewModel("flash", llmtest.Send(says("one"), says("two"))), llmtest.NewModel("pro", llmtest.Text("strong")))
		if got := llmtest.Ask(t.Context(), m, true); got.Stream != test.want || got.Err != nil {
			t.Errorf("with a confidence of %v, the consumer saw %q (%v), want %q", test.confidence, got.Stream, got.Err, test.want)
		}
	}
}
