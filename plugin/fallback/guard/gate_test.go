package guard_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// A fallback is given no tool that is withheld, and no provider's tool even if calls
// are approved, because nobody could.
func TestGateGuard(t *testing.T) {
	approve := func(context.Context, *genai.FunctionCall, string) bool { return true }
	request := func(mode genai.FunctionCallingConfigMode) *model.LLMRequest {
		return &model.LLMRequest{Tools: map[string]any{"pay": 1, "find": 2}, Config: &genai.GenerateContentConfig{
			Tools: []*genai.Tool{
				{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "pay"}, {Name: "find"}}},
				{CodeExecution: &genai.ToolCodeExecution{}}, {GoogleSearch: &genai.GoogleSearch{}},
			},
			ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode, AllowedFunctionNames: []string{"pay"}}},
		}}
	}
	fallback := guard.Target{Name: "m", Fallback: true}
	for _, test := range []struct {
		name   string
		gate   guard.Gate
		target guard.Target
		mode   genai.FunctionCallingConfigMode
		want   []string // that the target is given; nil for a refusal
	}{
		{"primary", guard.Gate{Tools: []string{"*"}}, guard.Target{Name: "m"}, genai.FunctionCallingConfigModeAuto, []string{"pay", "find", "code", "search"}},
		{"last resort", guard.Gate{Tools: []string{"*"}}, guard.Target{Fallback: true, LastResort: true}, genai.FunctionCallingConfigModeAuto, []string{"pay", "find", "code", "search"}},
		{"zero gate", guard.Gate{}, fallback, genai.FunctionCallingConfigModeAny, []string{"pay", "find", "code", "search"}},
		{"withheld", guard.Gate{Tools: []string{"pay", "code_execution"}}, fallback, genai.FunctionCallingConfigModeAuto, []string{"find", "search"}},
		{"forced", guard.Gate{Tools: []string{"pay"}}, fallback, genai.FunctionCallingConfigModeAny, nil},
		{"to approve", guard.Gate{Tools: []string{"pay", "code_execution"}, Approve: approve}, fallback, genai.FunctionCallingConfigModeAny, []string{"pay", "find", "search"}},
	} {
		given := request(test.mode)
		before, err := guard.All(test.gate.Guard())(t.Context(), given, test.target)
		if test.want == nil {
			if refused, ok := errors.AsType[*middleware.RefusedError](err); !ok || refused.By != "gate" {
				t.Errorf("%s: %v, want a refusal by the gate", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []string
		for _, tool := range before.Config.Tools {
			for _, d := range tool.FunctionDeclarations {
				got = append(got, d.Name)
			}
			if tool.CodeExecution != nil {
				got = append(got, "code")
			}
			if tool.GoogleSearch != nil {
				got = append(got, "search")
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: tools (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(request(test.mode), given); diff != "" {
			t.Errorf("%s: the caller's request changed:\n%s", test.name, diff)
		}
	}
}

// Check passes the call to Approve, and judges only what ADK acts on.
func TestGateCheck(t *testing.T) {
	var asked []string
	gate := guard.Gate{Tools: []string{"pay"}, Approve: func(_ context.Context, fc *genai.FunctionCall, model string) bool {
		asked = append(asked, model+" "+fc.Name)
		return fc.Args["sum"] == 1.0
	}}
	pays := func(sum float64, partial bool) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromFunctionCall("pay", map[string]any{"sum": sum}, genai.RoleModel), Partial: partial}
	}
	fallback := guard.Target{Name: "m", Fallback: true}
	for _, test := range []struct {
		name   string
		resp   *model.LLMResponse
		target guard.Target
		want   string
	}{
		{"approved", pays(1, false), fallback, ""},
		{"not approved", pays(2, false), fallback, "a fallback called a tool, and the call was not approved"},
		{"partial", pays(2, true), fallback, ""},
		{"no content", &model.LLMResponse{}, fallback, ""},
		{"primary", pays(2, false), guard.Target{Name: "m"}, ""},
	} {
		text := ""
		if err := gate.Check(t.Context(), test.resp, test.target); err != nil {
			text = err.Error()
		}
		if text != test.want {
			t.Errorf("%s: error %q, want %q", test.name, text, test.want)
		}
	}
	if diff := cmp.Diff([]string{"m pay", "m pay"}, asked); diff != "" {
		t.Errorf("calls to approve (-want +got):\n%s", diff)
	}
}
