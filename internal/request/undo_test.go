package request_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// B60: what ADK's Gemini model writes into a request does not reach the next target.
func TestUndoGemini(t *testing.T) {
	const appended = "Continue processing previous requests as instructed. Exit or provide a summary if no more outputs are needed."
	user := func(text string) *genai.Content { return genai.NewContentFromText(text, genai.RoleUser) }
	answer := genai.NewContentFromText("hi", genai.RoleModel)
	for _, test := range []struct {
		name       string
		have, want []*genai.Content
	}{
		{"the appended turn goes", []*genai.Content{user("hello"), answer, user(appended)}, []*genai.Content{user("hello"), answer}},
		{"one that is the whole request stays", []*genai.Content{user(appended)}, []*genai.Content{user(appended)}},
		{"other words stay", []*genai.Content{user("hello"), user("go on")}, []*genai.Content{user("hello"), user("go on")}},
		{"the model's own words stay", []*genai.Content{user("hello"), genai.NewContentFromText(appended, genai.RoleModel)},
			[]*genai.Content{user("hello"), genai.NewContentFromText(appended, genai.RoleModel)}},
		{"broken contents stay", []*genai.Content{user("hello"), nil}, []*genai.Content{user("hello"), nil}},
		{"none", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := &model.LLMRequest{Contents: test.have}
			request.UndoGemini(req)
			if diff := cmp.Diff(test.want, req.Contents); diff != "" {
				t.Errorf("contents (-want +got):\n%s", diff)
			}
		})
	}
}

// B60
func TestUndoGeminiHeaders(t *testing.T) {
	req := &model.LLMRequest{Config: &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{Headers: http.Header{
		"X-Goog-Api-Client": {"google-adk/2.2.0 gl-go/1.26"}, "User-Agent": {"my-app/1"}, "X-Trace": {"t1"},
	}}}}
	request.UndoGemini(req)
	want := http.Header{"User-Agent": {"my-app/1"}, "X-Trace": {"t1"}}
	if diff := cmp.Diff(want, req.Config.HTTPOptions.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}
