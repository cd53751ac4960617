package anthropic_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// declares returns a request with a function of the given parameters.
func declares(parameters map[string]any, contents ...*genai.Content) *model.LLMRequest {
	return &model.LLMRequest{Contents: contents, Config: &genai.GenerateContentConfig{
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", ParametersJsonSchema: parameters}}}},
	}}
}

// B100: the API takes no alternatives at the root of a tool's input.
// https://github.com/anthropics/claude-code/issues/5319
func TestToolWithAlternatives(t *testing.T) {
	id := map[string]any{"type": "string"}
	req := declares(map[string]any{
		"type": "object", "properties": map[string]any{"id": id}, "anyOf": []any{
			map[string]any{"required": []any{"id"}}, map[string]any{"properties": map[string]any{"name": id}, "required": []any{"name"}},
		},
	}, user(say("hi")))
	body, _ := sent(t, "claude-sonnet-5", anthropic.Config{}, req)
	equal(t, "tools", body["tools"], `[{"name":"f","input_schema":{"type":"object","properties":{"id":{"type":"string"},"name":{"type":"string"}}}}]`)
}

// B100: a thought in a user's content is not sent: only the assistant has thoughts.
func TestThoughtOfTheUser(t *testing.T) {
	thought := &genai.Part{Text: "hm", Thought: true, ThoughtSignature: request.Seal("anthropic", []byte("thinking/s"))}
	req := &model.LLMRequest{Contents: []*genai.Content{user(say("hi")), bot(call("1", "f", nil)), user(result("1", "f", nil), thought)}}
	body, _ := sent(t, "claude-sonnet-5", anthropic.Config{}, req)
	equal(t, "the last message", body["messages"].([]any)[2], `{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]}`)
}

// B100: arguments whose names the API refuses have other names in the declaration and the
// history, and their own again in the answer.
// https://github.com/anthropics/claude-code/issues/79418
func TestArgumentNames(t *testing.T) {
	text := map[string]any{"type": "string"}
	parameters := map[string]any{"type": "object", "required": []string{"$top", "plain.name"}, "properties": map[string]any{
		"$top": text, "_top": text, "plain.name": text, "inner": map[string]any{"type": "object", "properties": map[string]any{"$a": text}},
	}}
	args := map[string]any{"$top": "1", "_top": "2", "inner": map[string]any{"$a": "3"}}
	for _, stream := range []bool{false, true} {
		answer := `{"type":"message","content":[{"type":"tool_use","id":"2","name":"f","input":{"_top_2":"1","_top":"2","inner":{"$a":"3"}}}],"stop_reason":"tool_use"}`
		s := serve(t, reply{body: answer})
		req := declares(parameters, user(say("hi")), bot(call("1", "f", args)), user(result("1", "f", nil)))
		_, final, err := ask(t, newModel(t, s, "claude-sonnet-5", anthropic.Config{}), req, stream)
		if err != nil {
			t.Fatal(err)
		}
		body, _, _ := s.last()
		tool := body["tools"].([]any)[0].(map[string]any)
		equal(t, "the declaration", tool["input_schema"], `{"type":"object","required":["_top_2","plain.name"],"properties":{"_top_2":{"type":"string"},"_top":{"type":"string"},
			"plain.name":{"type":"string"},"inner":{"type":"object","properties":{"$a":{"type":"string"}}}}}`)
		sent := body["messages"].([]any)[1].(map[string]any)["content"].([]any)[0].(map[string]any)
		equal(t, "the history", sent["input"], `{"_top_2":"1","_top":"2","inner":{"$a":"3"}}`)
		if diff := cmp.Diff(args, final.Content.Parts[0].FunctionCall.Args); diff != "" {
			t.Errorf("the answer's arguments (-want +got):\n%s", diff)
		}
	}
	if parameters["required"].([]string)[0] != "$top" || parameters["properties"].(map[string]any)["$top"] == nil || args["$top"] == nil {
		t.Error("the caller's request has changed")
	}
}
