package openai_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// B101, B103: schemas that other vendors take, such as those of MCP servers, get the form
// that OpenAI takes: arguments are an object with no alternatives at its root, and an array
// has items.
// https://github.com/sigoden/aichat/issues/1049
func TestSchemasOfOtherVendors(t *testing.T) {
	const list, anyList = `{"type":"array"}`, `{"type":"array","items":{}}`
	for given, want := range map[string]string{
		`{}`:                         `{"type":"object","properties":{}}`,
		`{"type":["null","object"]}`: `{"type":"object","properties":{}}`,
		`{"type":"object","properties":{"a":{"type":"array","items":[{}]}}}`:                                                                                                                                         `{"type":"object","properties":{"a":{"type":"array","prefixItems":[{}],"items":{}}}}`,
		`{"type":"object","properties":{"a":{}},"oneOf":[{"required":["a"]},{"properties":{"b":{}},"required":["b"]}]}`:                                                                                              `{"type":"object","properties":{"a":{},"b":{}}}`,
		`{"type":"object","properties":{"a":` + list + `,"b":{"type":["array","null"]},"c":{"anyOf":[` + list + `]},"d":{"type":"array","items":` + list + `},"e":{"$ref":"#/$defs/l"}},"$defs":{"l":` + list + `}}`: `{"type":"object","properties":{"a":` + anyList + `,"b":{"type":["array","null"],"items":{}},"c":{"anyOf":[` + anyList + `]},"d":{"type":"array","items":` + anyList + `},"e":{"$ref":"#/$defs/l"}},"$defs":{"l":` + anyList + `}}`,
	} {
		var schema map[string]any
		if err := json.Unmarshal([]byte(given), &schema); err != nil {
			t.Fatal(err)
		}
		req := &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{
			Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", ParametersJsonSchema: schema}}}},
		}}
		tool := chatBody(t, "gpt-4o", openaiURL, req)["tools"].([]any)[0].(map[string]any)["function"].(map[string]any)
		if diff := cmp.Diff(decoded(t, want), tool["parameters"]); diff != "" {
			t.Errorf("parameters of chat completions (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(decoded(t, want), sent(t, "gpt-4o", req)["tools"].([]any)[0].(map[string]any)["parameters"]); diff != "" {
			t.Errorf("parameters of Responses (-want +got):\n%s", diff)
		}
	}
	answer := &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{
		ResponseMIMEType: "application/json", ResponseJsonSchema: map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "array"}}, "required": []any{"a"}},
	}}
	anything := &model.LLMRequest{Contents: genai.Text("hi"), Config: &genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseJsonSchema: map[string]any{}}}
	if form := sent(t, "gpt-4o", anything)["text"].(map[string]any)["format"].(map[string]any); form["schema"] == nil {
		t.Errorf("the form of an answer of any schema is %v", form)
	}
	format := chatBody(t, "gpt-4o", openaiURL, answer)["response_format"].(map[string]any)["json_schema"].(map[string]any)
	if diff := cmp.Diff(decoded(t, `{"name":"response","schema":{"type":"object","properties":{"a":`+anyList+`},"required":["a"]}}`), any(format)); diff != "" {
		t.Errorf("the form of the answer (-want +got):\n%s", diff)
	}
}
