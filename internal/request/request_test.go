package request_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

func toolLoop() *model.LLMRequest {
	return &model.LLMRequest{
		Model: "gemini-2.5-flash",
		Contents: []*genai.Content{
			genai.NewContentFromText("weather in Paris?", genai.RoleUser),
			{Role: genai.RoleModel, Parts: []*genai.Part{
				{Text: "let me look"},
				{FunctionCall: &genai.FunctionCall{ID: "c1", Name: "weather", Args: map[string]any{"city": "Paris", "days": []any{1.0}}}, ThoughtSignature: []byte("sig1")},
				{FunctionCall: &genai.FunctionCall{ID: "c2", Name: "time"}},
			}},
			{Role: genai.RoleUser, Parts: []*genai.Part{
				{FunctionResponse: &genai.FunctionResponse{ID: "c1", Name: "weather", Response: map[string]any{"sky": "clear"}}},
				{FunctionResponse: &genai.FunctionResponse{ID: "c2", Name: "time"}},
			}},
			nil,
		},
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

func TestCloneSurvivesCycles(t *testing.T) {
	cyclic := map[string]any{}
	cyclic["self"] = cyclic
	request.Clone(&model.LLMRequest{Config: &genai.GenerateContentConfig{ResponseJsonSchema: cyclic}})
}

func signatures(contents []*genai.Content) string {
	var out []string
	for _, content := range contents {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			out = append(out, string(part.ThoughtSignature))
		}
	}
	return strings.Join(out, ",")
}

// B63
func TestAdapt(t *testing.T) {
	const skip = request.SkipSignature
	unsigned := func() []*genai.Content {
		contents := toolLoop().Contents
		contents[1].Parts[1].ThoughtSignature = nil
		return contents
	}
	signed := func() []*genai.Content { return toolLoop().Contents }
	nextTurn := func() []*genai.Content {
		contents := unsigned()
		contents[3] = genai.NewContentFromText("and Rome?", genai.RoleUser)
		return contents
	}
	for _, test := range []struct {
		name     string
		contents []*genai.Content
		target   string
		foreign  bool
		want     string
	}{
		{"own signatures stay", signed(), "gemini-3-pro-preview", false, ",,sig1,,,"},
		{"foreign ones are replaced for Gemini 3", signed(), "gemini-3-pro-preview", true, ",," + skip + ",,,"},
		{"with a path before the name", signed(), "publishers/google/models/gemini-3.1-pro", true, ",," + skip + ",,,"},
		{"of the latest alias", signed(), "gemini-flash-latest", true, ",," + skip + ",,,"},
		{"of a two-digit generation", signed(), "gemini-10-pro", true, ",," + skip + ",,,"},
		{"foreign ones are removed for Gemini 2.5", signed(), "gemini-2.5-pro", true, ",,,,,"},
		{"and for other providers", signed(), "gpt-4o", true, ",,,,,"},
		{"missing ones are replaced for Gemini 3", unsigned(), "gemini-3-flash", false, ",," + skip + ",,,"},
		{"missing ones of an earlier turn are not", nextTurn(), "gemini-3-flash", false, ",,,,,,"},
		{"a name that only looks like it", unsigned(), "gemini-exp", false, ",,,,,"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request.Adapt(test.contents, test.target, test.foreign)
			if got := signatures(test.contents); got != test.want {
				t.Errorf("signatures %q, want %q", got, test.want)
			}
			if request.LacksSignature(test.contents, test.target) {
				t.Errorf("%s still lacks a signature", test.target)
			}
		})
	}
}

// B64: the pairing of calls and responses is left as it is.
func TestAdaptKeepsCallIDs(t *testing.T) {
	contents := toolLoop().Contents
	request.Adapt(contents, "gemini-3-pro", true)
	var ids []string
	for _, content := range contents[:3] {
		for _, part := range content.Parts {
			if part.FunctionCall != nil {
				ids = append(ids, "call "+part.FunctionCall.ID)
			}
			if part.FunctionResponse != nil {
				ids = append(ids, "response "+part.FunctionResponse.ID)
			}
		}
	}
	if diff := cmp.Diff([]string{"call c1", "call c2", "response c1", "response c2"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
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

func BenchmarkClone(b *testing.B) {
	long := toolLoop()
	for i := range 200 {
		long.Contents = append(long.Contents, genai.NewContentFromText(fmt.Sprint("turn ", i), genai.RoleUser))
	}
	text := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("hi", genai.RoleUser)}, Config: &genai.GenerateContentConfig{}}
	for _, bench := range []struct {
		name string
		req  *model.LLMRequest
	}{{"text", text}, {"tools", toolLoop()}, {"long", long}} {
		size, _ := json.Marshal(bench.req.Contents)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(size)), "request-bytes")
			for b.Loop() {
				request.Clone(bench.req)
			}
		})
	}
}
