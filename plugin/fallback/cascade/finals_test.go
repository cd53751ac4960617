package cascade_test

import (
	"context"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
)

// said is a final response.
func said(parts ...*genai.Part) *model.LLMResponse {
	return &model.LLMResponse{Content: genai.NewContentFromParts(parts, genai.RoleModel), FinishReason: genai.FinishReasonStop}
}

// A model may send its answer in several responses. The consumer gets all of them or none, and the judges
// see all of it.
func TestAnswerInSeveralResponses(t *testing.T) {
	for _, test := range []struct {
		confidence float64
		want       string
	}{{1, "[one][two]"}, {0, "strong[strong]"}} {
		judge := cascade.JudgeFunc(func(_ context.Context, _ *model.LLMRequest, resp *model.LLMResponse) (float64, error) {
			if got := llmtest.TextOf(resp.Content); got != "onetwo" {
				t.Errorf("the judge sees %q, want the whole answer", got)
			}
			return test.confidence, nil
		})
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{judge}},
			llmtest.NewModel("flash", llmtest.Send(said(genai.NewPartFromText("one")), said(genai.NewPartFromText("two")))), llmtest.NewModel("pro", llmtest.Text("strong")))
		if got := llmtest.Ask(t.Context(), m, true); got.Stream != test.want || got.Err != nil {
			t.Errorf("with a confidence of %v, the consumer saw %q (%v), want %q", test.confidence, got.Stream, got.Err, test.want)
		}
	}
}

// It does not matter which response states the confidence, or calls a function.
func TestJudgesOfAnAnswerInSeveralResponses(t *testing.T) {
	text, call := genai.NewPartFromText, genai.NewPartFromFunctionCall("lookup", nil)
	for name, test := range map[string]struct {
		answer []*model.LLMResponse
		model  string // that answers
	}{
		"sure at first":   {[]*model.LLMResponse{said(text("one\nCONFIDENCE: 0.9")), said(text("two"))}, "flash"},
		"unsure at first": {[]*model.LLMResponse{said(text("one\nCONFIDENCE: 0.1")), said(text("two"))}, "pro"},
		"nothing follows": {[]*model.LLMResponse{said(text("one\nCONFIDENCE: 0.1")), said()}, "pro"},
		"a call at first": {[]*model.LLMResponse{said(call), said(text("two"))}, "flash"},
	} {
		if got := llmtest.Ask(t.Context(), stating(false, llmtest.Send(test.answer...)), true); got.Metadata().ModelName != test.model || got.Err != nil {
			t.Errorf("%s: %s answered with %q (%v), want %s", name, got.Metadata().ModelName, got.Stream, got.Err, test.model)
		}
	}
}

// A model that grades may send its reply in several responses, too.
func TestGradeInSeveralResponses(t *testing.T) {
	grader := llmtest.NewModel("grader", llmtest.Send(said(genai.NewPartFromText("CONFIDENCE: 0.9")), said()))
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(grader, "")}},
		llmtest.NewModel("flash", llmtest.Text("good")), llmtest.NewModel("pro", llmtest.Text("strong")))
	if got := llmtest.Ask(t.Context(), m, false); got.Metadata().ModelName != "flash" || got.Err != nil {
		t.Errorf("%s answered (%v), want flash", got.Metadata().ModelName, got.Err)
	}
}
