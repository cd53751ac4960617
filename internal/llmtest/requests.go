package llmtest

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// UserSays is a request with one message.
func UserSays(text string) *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
}

// ToolsHaveRun is the request that follows a completed tool round.
func ToolsHaveRun() *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText("turn off the light", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "1", Name: "off"}}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: "1", Name: "off", Response: map[string]any{"ok": true}}}}},
	}}
}

// ToolLoop returns a history with two function calls, the first with a signature, and their
// results. The last content is nil.
func ToolLoop() []*genai.Content {
	return []*genai.Content{
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
	}
}
