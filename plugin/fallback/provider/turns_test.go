package provider_test

import (
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

var allAPIs = []provider.API{provider.Gemini, provider.Vertex, provider.Responses, provider.Chat, provider.Anthropic}

// B100: no API takes a request without a message, such as one whose history was only
// another vendor's thoughts.
func TestEmptyHistory(t *testing.T) {
	thought := &genai.Part{Text: "hm", Thought: true, ThoughtSignature: []byte("adk-fallback:other\nx")}
	for name, contents := range map[string][]*genai.Content{
		"none": nil, "nil": {nil}, "an empty text": {genai.NewContentFromText("", genai.RoleUser)},
		"another vendor's thought": {{Role: genai.RoleModel, Parts: []*genai.Part{thought}}},
	} {
		for _, api := range allAPIs {
			req := &model.LLMRequest{Contents: contents}
			if _, err := (provider.Target{API: api}).Fit(req); err != nil {
				t.Fatal(err)
			}
			if len(req.Contents) != 1 || req.Contents[0].Role != genai.RoleUser || req.Contents[0].Parts[0].Text == "" {
				t.Errorf("%s: %s gets %+v, want a user's turn", name, api, req.Contents)
			}
		}
	}
}

// B100: a history with the roles of other frameworks has those that the APIs take.
func TestRolesOfOtherFrameworks(t *testing.T) {
	contents := func() (contents []*genai.Content) {
		for _, role := range []string{"user", "", "model", "function", "assistant", "system", "user"} {
			contents = append(contents, &genai.Content{Role: role, Parts: []*genai.Part{{Text: "I am " + role}}})
		}
		return contents
	}
	for _, api := range allAPIs {
		given := contents()
		req := &model.LLMRequest{Contents: given}
		if _, err := (provider.Target{API: api}).Fit(req); err != nil {
			t.Fatal(err)
		}
		var roles []string
		for i, content := range req.Contents {
			roles = append(roles, content.Role)
			if given[i].Role != contents()[i].Role {
				t.Error("the caller's contents changed")
			}
		}
		want := "user user model user model user user"
		if api == provider.Responses { // it has the role
			want = "user user model user model system user"
		}
		if got := strings.Join(roles, " "); got != want {
			t.Errorf("%s gets the roles %s, want %s", api, got, want)
		}
	}
}
