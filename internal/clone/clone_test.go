package clone_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/llmtest"
)

func toolLoop() *model.LLMRequest {
	return &model.LLMRequest{
		Model:    "gemini-2.5-flash",
		Contents: llmtest.ToolLoop(),
		Config: &genai.GenerateContentConfig{
			SystemInstruction: genai.NewContentFromText("be brief", genai.RoleUser),
			Temperature:       genai.Ptr[float32](0.5),
			HTTPOptions:       &genai.HTTPOptions{Headers: http.Header{"X-Trace": {"t1"}}},
			Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{
				Name: "weather", Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString}}},
			}}}},
			Labels:             map[string]string{"team": "a"},
			ResponseJsonSchema: map[string]any{"type": "object", "required": []any{"a"}},
		},
		Tools: map[string]any{"weather": &struct{ name string }{"live"}},
	}
}

// B60: whatever a model changes in its copy stays there.
func TestCloneIsolates(t *testing.T) {
	original := toolLoop()
	copied := clone.Request(original)
	if diff := cmp.Diff(toolLoop().Contents, copied.Contents); diff != "" {
		t.Fatalf("the clone differs (-want +got):\n%s", diff)
	}
	copied.Model = "other"
	copied.Contents = append(copied.Contents[:1], genai.NewContentFromText("continue", genai.RoleUser))
	copied = clone.Request(original)
	copied.Contents[0].Role = "changed"
	copied.Contents[0].Parts[0].Text = "changed"
	copied.Contents[0].Parts = append(copied.Contents[0].Parts, &genai.Part{Text: "leak"})
	copied.Contents[1].Parts[1].FunctionCall.ID = "changed"
	copied.Contents[1].Parts[1].FunctionCall.Args["city"] = "changed"
	copied.Contents[1].Parts[1].FunctionCall.Args["days"].([]any)[0] = 9.0
	copied.Contents[1].Parts[1].ThoughtSignature = nil
	copied.Contents[2].Parts[0].FunctionResponse.Response["sky"] = "changed"
	copied.Config.SystemInstruction.Parts[0].Text = "changed"
	*copied.Config.Temperature = 1
	copied.Config.HTTPOptions.Headers.Set("X-Trace", "changed")
	copied.Config.Tools[0].FunctionDeclarations[0].Name = "changed"
	copied.Config.Tools[0].FunctionDeclarations[0].Parameters.Properties["city"].Type = "changed"
	copied.Config.Tools = append(copied.Config.Tools[:0], &genai.Tool{})
	copied.Config.Labels["team"] = "changed"
	copied.Config.ResponseJsonSchema.(map[string]any)["required"].([]any)[0] = "changed"

	if got := copied.Contents[1].Parts[0]; got.Text == "leak" {
		t.Error("what was appended to one content's parts is in the next content")
	}
	want := toolLoop()
	want.Tools, original.Tools = nil, nil
	if diff := cmp.Diff(want, original); diff != "" {
		t.Errorf("the original changed (-want +got):\n%s", diff)
	}
}

// B61
func TestCloneSharesTools(t *testing.T) {
	original := toolLoop()
	copied := clone.Request(original)
	if copied.Tools["weather"] != original.Tools["weather"] {
		t.Error("the clone has another tool instance")
	}
}

func TestCloneOfSparseRequests(t *testing.T) {
	for name, req := range map[string]*model.LLMRequest{
		"empty":       {},
		"nil part":    {Contents: []*genai.Content{{Parts: []*genai.Part{nil}}, {}}},
		"no contents": {Contents: []*genai.Content{}, Config: &genai.GenerateContentConfig{}},
	} {
		if diff := cmp.Diff(req, clone.Request(req)); diff != "" {
			t.Errorf("%s: the clone differs (-want +got):\n%s", name, diff)
		}
	}
}

// B60: tools make their arguments and results of any Go type.
func TestCloneCopiesWhatToolsReturn(t *testing.T) {
	live := &struct{ n int }{}
	raw := []byte("png")
	result := map[string]any{
		"rows":  []map[string]any{{"a": []string{"x"}}},
		"names": map[string]string{"k": "v"},
		"words": []string{"w"},
		"grid":  [][]int{{1}},
		"live":  live,
		"lives": []*struct{ n int }{live},
		"raw":   raw,
		"none":  nil,
	}
	req := &model.LLMRequest{Contents: []*genai.Content{{Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Response: result}}}}}}
	copied := clone.Request(req).Contents[0].Parts[0].FunctionResponse.Response
	copied["rows"].([]map[string]any)[0]["a"].([]string)[0] = "changed"
	copied["names"].(map[string]string)["k"] = "changed"
	copied["words"].([]string)[0] = "changed"
	copied["grid"].([][]int)[0][0] = 2
	want := map[string]any{"rows": []map[string]any{{"a": []string{"x"}}}, "names": map[string]string{"k": "v"}, "words": []string{"w"}, "grid": [][]int{{1}}}
	got := map[string]any{"rows": result["rows"], "names": result["names"], "words": result["words"], "grid": result["grid"]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the original was changed (-want +got):\n%s", diff)
	}
	if copied["live"] != any(live) || copied["lives"].([]*struct{ n int })[0] != live {
		t.Error("a live value was copied, want it shared")
	}
	if &copied["raw"].([]byte)[0] != &raw[0] {
		t.Error("bytes were copied, want them shared")
	}
}
