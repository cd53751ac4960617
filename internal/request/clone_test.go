package request_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// B60: whatever a model changes in its copy stays there.
func TestCloneIsolates(t *testing.T) {
	original := toolLoop()
	clone := request.Clone(original)
	if diff := cmp.Diff(toolLoop().Contents, clone.Contents); diff != "" {
		t.Fatalf("the clone differs (-want +got):\n%s", diff)
	}
	clone.Model = "other"
	clone.Contents = append(clone.Contents[:1], genai.NewContentFromText("continue", genai.RoleUser))
	clone = request.Clone(original)
	clone.Contents[0].Role = "changed"
	clone.Contents[0].Parts[0].Text = "changed"
	clone.Contents[0].Parts = append(clone.Contents[0].Parts, &genai.Part{Text: "leak"})
	clone.Contents[1].Parts[1].FunctionCall.ID = "changed"
	clone.Contents[1].Parts[1].FunctionCall.Args["city"] = "changed"
	clone.Contents[1].Parts[1].FunctionCall.Args["days"].([]any)[0] = 9.0
	clone.Contents[1].Parts[1].ThoughtSignature = nil
	clone.Contents[2].Parts[0].FunctionResponse.Response["sky"] = "changed"
	clone.Config.SystemInstruction.Parts[0].Text = "changed"
	*clone.Config.Temperature = 1
	clone.Config.HTTPOptions.Headers.Set("X-Trace", "changed")
	clone.Config.Tools[0].FunctionDeclarations[0].Name = "changed"
	clone.Config.Tools[0].FunctionDeclarations[0].Parameters.Properties["city"].Type = "changed"
	clone.Config.Tools = append(clone.Config.Tools[:0], &genai.Tool{})
	clone.Config.Labels["team"] = "changed"
	clone.Config.ResponseJsonSchema.(map[string]any)["required"].([]any)[0] = "changed"

	if got := clone.Contents[1].Parts[0]; got.Text == "leak" {
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
	clone := request.Clone(original)
	if clone.Tools["weather"] != original.Tools["weather"] {
		t.Error("the clone has another tool instance")
	}
}

func TestCloneOfSparseRequests(t *testing.T) {
	for name, req := range map[string]*model.LLMRequest{
		"empty":       {},
		"nil part":    {Contents: []*genai.Content{{Parts: []*genai.Part{nil}}, {}}},
		"no contents": {Contents: []*genai.Content{}, Config: &genai.GenerateContentConfig{}},
	} {
		if diff := cmp.Diff(req, request.Clone(req)); diff != "" {
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
	clone := request.Clone(req).Contents[0].Parts[0].FunctionResponse.Response
	clone["rows"].([]map[string]any)[0]["a"].([]string)[0] = "changed"
	clone["names"].(map[string]string)["k"] = "changed"
	clone["words"].([]string)[0] = "changed"
	clone["grid"].([][]int)[0][0] = 2
	want := map[string]any{"rows": []map[string]any{{"a": []string{"x"}}}, "names": map[string]string{"k": "v"}, "words": []string{"w"}, "grid": [][]int{{1}}}
	got := map[string]any{"rows": result["rows"], "names": result["names"], "words": result["words"], "grid": result["grid"]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the original was changed (-want +got):\n%s", diff)
	}
	if clone["live"] != any(live) || clone["lives"].([]*struct{ n int })[0] != live {
		t.Error("a live value was copied, want it shared")
	}
	if &clone["raw"].([]byte)[0] != &raw[0] {
		t.Error("bytes were copied, want them shared")
	}
}
