package provider_test

import (
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
