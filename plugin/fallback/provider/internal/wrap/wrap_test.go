package wrap_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/wrap"
)

// B103: the call of the schema's function becomes the answer; calls of other
// functions are never lost.
func TestAnswerOfCall(t *testing.T) {
	convert := wrap.OfCall(false, false)
	call := func(name string, args map[string]any) *genai.Part {
		return &genai.Part{FunctionCall: &genai.FunctionCall{Name: name, Args: args}}
	}
	text, thought := genai.NewPartFromText("Here it is:"), &genai.Part{Text: "hm", Thought: true}
	final := call("set_model_response", map[string]any{"city": "Rome"})
	for _, test := range []struct {
		name        string
		given, want []*genai.Part
		partial     bool
	}{
		{"the answer", []*genai.Part{thought, text, final}, []*genai.Part{thought, genai.NewPartFromText(`{"city":"Rome"}`)}, false},
		{"beside another call", []*genai.Part{text, call("weather", nil), final}, []*genai.Part{text, call("weather", nil)}, false},
		{"another call", []*genai.Part{call("weather", nil)}, []*genai.Part{call("weather", nil)}, false},
		{"no call", []*genai.Part{text}, []*genai.Part{text}, false},
		{"part of a stream", []*genai.Part{final}, []*genai.Part{final}, true},
		{"text of a stream", []*genai.Part{thought, text}, []*genai.Part{thought}, true},
		{"without arguments", []*genai.Part{call("set_model_response", nil)}, []*genai.Part{genai.NewPartFromText(`{}`)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp := &model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: test.given}, Partial: test.partial, FinishReason: genai.FinishReasonStop}
			given := len(test.given)
			got := convert(resp)
			if diff := cmp.Diff(test.want, got.Content.Parts); diff != "" || got.FinishReason != genai.FinishReasonStop {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if len(resp.Content.Parts) != given {
				t.Error("the given answer changed")
			}
		})
	}
	only := &model.LLMResponse{Content: &genai.Content{Parts: []*genai.Part{text}}, Partial: true}
	for name, resp := range map[string]*model.LLMResponse{"no answer": nil, "only text of a stream": only} {
		if got := convert(resp); got != nil {
			t.Errorf("%s became %v", name, got)
		}
	}
}
