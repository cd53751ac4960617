package request_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
)

// A placeholder is replaced, also in what another agent is quoted with. A content with a
// call is none, whatever its text is: its result would have no call.
func TestWithoutTexts(t *testing.T) {
	model := func(parts ...*genai.Part) *genai.Content { return genai.NewContentFromParts(parts, genai.RoleModel) }
	sorry, call := &genai.Part{Text: "Sorry."}, &genai.Part{FunctionCall: &genai.FunctionCall{Name: "find"}}
	neutral := model(&genai.Part{Text: request.Neutral})
	quoted := func(text string) *genai.Content {
		return genai.NewContentFromParts([]*genai.Part{{Text: "For context:"}, nil, {Text: "[one] said: " + text}}, genai.RoleUser)
	}
	for name, test := range map[string]struct{ content, want *genai.Content }{
		"a placeholder":      {model(sorry), neutral},
		"in two parts":       {model(&genai.Part{Text: "Sor"}, nil, &genai.Part{Text: "ry."}), neutral},
		"after a thought":    {model(&genai.Part{Text: "hm", Thought: true}, sorry), model(&genai.Part{Text: "hm", Thought: true}, sorry)},
		"another text":       {model(&genai.Part{Text: "Sorry?"}), model(&genai.Part{Text: "Sorry?"})},
		"with a call":        {model(sorry, call), model(sorry, call)},
		"of the user":        {genai.NewContentFromParts([]*genai.Part{sorry}, genai.RoleUser), genai.NewContentFromParts([]*genai.Part{sorry}, genai.RoleUser)},
		"of another agent":   {quoted("Sorry."), quoted(request.Neutral)},
		"another one's text": {quoted("Hello."), quoted("Hello.")},
		"nil":                {nil, nil},
	} {
		contents := []*genai.Content{test.content, nil}
		before := clone.Contents(contents)
		got := request.WithoutTexts(contents, map[string]bool{"Sorry.": true})
		if diff := cmp.Diff([]*genai.Content{test.want, nil}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(before, contents); diff != "" {
			t.Errorf("%s: the caller's contents changed (-want +got):\n%s", name, diff)
		}
	}
}
