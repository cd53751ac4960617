package guard_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

func ofTool(parts ...*genai.FunctionResponsePart) *genai.Part {
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{Name: "find", Parts: parts}}
}

// Wherever something stands that a target cannot process, the target is refused.
func TestCapabilities(t *testing.T) {
	configured := func(c *genai.GenerateContentConfig) *model.LLMRequest {
		req := ofParts(&genai.Part{Text: "what is it?"})
		req.Config = c
		return req
	}
	inline := func(mime string) *genai.FunctionResponsePart {
		return &genai.FunctionResponsePart{InlineData: &genai.FunctionResponseBlob{MIMEType: mime, Data: []byte("x")}}
	}
	all := []string{"tools", "images", "audio", "video", "documents", "json_schema"}
	for _, test := range []struct {
		name string
		req  *model.LLMRequest
		need string // "" for nothing
	}{
		{"text", ofParts(&genai.Part{Text: "hi"}), ""},
		{"an image", ofParts(withFile("image/png")), "images"},
		{"an image in capitals", ofParts(withFile(" IMAGE/PNG")), "images"},
		{"audio", ofParts(withFile("audio/wav")), "audio"},
		{"a document", ofParts(withFile("application/pdf")), "documents"},
		{"a file of no type", ofParts(withFile("")), "documents"},
		{"a file elsewhere", ofParts(&genai.Part{FileData: &genai.FileData{MIMEType: "video/mp4"}}), "video"},
		{"a file after others", ofParts(nil, &genai.Part{Text: "x"}, withFile("audio/wav")), "audio"},
		{"tools", configured(&genai.GenerateContentConfig{Tools: []*genai.Tool{{}}}), "tools"},
		{"a provider's tool", configured(&genai.GenerateContentConfig{Tools: []*genai.Tool{{CodeExecution: &genai.ToolCodeExecution{}}}}), "tools"},
		{"ADK's tools", &model.LLMRequest{Tools: map[string]any{"f": 1}}, "tools"},
		{"an image in the system instruction", configured(&genai.GenerateContentConfig{SystemInstruction: &genai.Content{Parts: []*genai.Part{withFile("image/png")}}}), "images"},
		{"a schema", configured(&genai.GenerateContentConfig{ResponseSchema: &genai.Schema{}}), "json_schema"},
		{"a JSON schema", configured(&genai.GenerateContentConfig{ResponseJsonSchema: map[string]any{}}), "json_schema"},
		{"an image of a tool", ofParts(ofTool(nil, inline("image/png"))), "images"},
		{"a recording of a tool", ofParts(ofTool(inline("audio/wav"))), "audio"},
		{"a file of a tool elsewhere", ofParts(ofTool(&genai.FunctionResponsePart{FileData: &genai.FunctionResponseFileData{MIMEType: "video/mp4", FileURI: "gs://b/o"}})), "video"},
		{"a document of a tool", ofParts(ofTool(inline("application/pdf"))), "documents"},
		{"calls, results and code in the history", ofParts(ofTool(), &genai.Part{FunctionCall: &genai.FunctionCall{}}, &genai.Part{ExecutableCode: &genai.ExecutableCode{Code: "x"}}, &genai.Part{CodeExecutionResult: &genai.CodeExecutionResult{Output: "x"}}), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			why := func(can []string) string {
				return reason(t, t.Context(), guard.Capabilities, test.req, guard.Target{Capabilities: can})
			}
			want := ""
			var others []string
			if test.need != "" {
				want = "capability: it cannot do " + test.need
			}
			for _, can := range all {
				if can != test.need {
					others = append(others, can)
				}
			}
			if got := why(others); got != want {
				t.Errorf("with all others: %q, want %q", got, want)
			}
			if got := why([]string{}); got != want {
				t.Errorf("with none: %q, want %q", got, want)
			}
			for _, enough := range [][]string{nil, all, {strings.ToUpper(test.need) + " "}} {
				if got := why(enough); got != "" {
					t.Errorf("with %q: %q", enough, got)
				}
			}
		})
	}
}

func TestContextWindow(t *testing.T) {
	image := &genai.FunctionResponsePart{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: []byte("x")}}
	for _, test := range []struct {
		name   string
		part   *genai.Part
		window int
		want   string
	}{
		{"large enough", &genai.Part{Text: strings.Repeat("x", 40)}, 10, ""},
		{"too small", &genai.Part{Text: strings.Repeat("x", 41)}, 10, "context_window: about 11 tokens do not fit its window of 10"},
		{"not known", &genai.Part{Text: strings.Repeat("x", 41)}, 0, ""},
		{"a tool's image", ofTool(image), 100, "context_window: about 1002 tokens do not fit its window of 100"},
	} {
		if got := reason(t, t.Context(), guard.ContextWindow, ofParts(test.part), guard.Target{ContextWindow: test.window}); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func ExampleCapabilities() {
	req := &model.LLMRequest{Contents: []*genai.Content{{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{
		Name:  "screenshot",
		Parts: []*genai.FunctionResponsePart{{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png"}}},
	}}}}}}
	_, err := guard.Capabilities(context.Background(), req, guard.Target{Name: "small-local-llm", Capabilities: []string{"tools"}})
	fmt.Println(err)
	// Output: middleware: capability refused small-local-llm: it cannot do images
}

func ExampleContextWindow() {
	req := &model.LLMRequest{Contents: genai.Text(strings.Repeat("All work and no play. ", 10_000))}
	_, err := guard.ContextWindow(context.Background(), req, guard.Target{Name: "small-local-llm", ContextWindow: 8192})
	fmt.Println(err)
	// Output: middleware: context_window refused small-local-llm: about 55000 tokens do not fit its window of 8192
}
