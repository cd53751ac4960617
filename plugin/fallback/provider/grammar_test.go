package provider_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// properties returns n properties of a schema, each with the same one.
func properties(n int, of string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%q:%s", fmt.Sprint("p", i), of)
	}
	return `"properties":{` + strings.Join(list, ",") + `}`
}

// B103: a schema that Anthropic's structured output refuses, or cannot fill, is sent as a
// function. The same schema is native where it is taken.
func TestSchemaBeyondTheGrammar(t *testing.T) {
	const text, either = `{"type":"string"}`, `{"anyOf":[{"type":"string"},{"type":"integer"}]}`
	tree := func(next string) string {
		return `{"type":"object","properties":{"root":{"$ref":"#/$defs/node"}},"required":["root"],"$defs":{"node":{"type":"object","properties":{"next":` + next + `},"required":["next"]}}}`
	}
	var required []string
	for i := range 17 {
		required = append(required, fmt.Sprintf("%q", fmt.Sprint("p", i)))
	}
	all := `,"required":[` + strings.Join(required, ",") + `]}`
	for name, test := range map[string]struct {
		schema string
		native bool
	}{
		"a reference":                {tree(text), true},
		"the same one twice":         {`{"type":"object","properties":{"a":{"$ref":"#/$defs/d"},"b":{"$ref":"#/$defs/d"}},"$defs":{"d":` + text + `}}`, true},
		"one to itself":              {tree(`{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}`), false},
		"one to itself in a list":    {tree(`{"type":"array","items":{"$ref":"#/$defs/node"}}`), false},
		"one to the root":            {`{"type":"object","properties":{"a":{"$ref":"#"}}}`, false},
		"one to another document":    {`{"type":"object","properties":{"a":{"$ref":"https://example.com/a.json"}}}`, false},
		"allOf with a reference":     {`{"type":"object","properties":{"a":{"allOf":[{"$ref":"#/$defs/d"}]}},"$defs":{"d":` + text + `}}`, false},
		"24 optional properties":     {`{"type":"object",` + properties(24, text) + `}`, true},
		"25 optional properties":     {`{"type":"object",` + properties(25, text) + `}`, false},
		"16 unions":                  {`{"type":"object",` + properties(16, either) + all, true},
		"17 unions":                  {`{"type":"object",` + properties(17, either) + all, false},
		"17 lists of types":          {`{"type":"object",` + properties(17, `{"type":["string","null"]}`) + all, false},
		"a map":                      {`{"type":"object","properties":{"a":{"type":"object","additionalProperties":` + text + `}}}`, false},
		"any object":                 {`{"type":"object"}`, false},
		"an object without anything": {`{"type":"object","properties":{"a":{"type":"object","additionalProperties":false}}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			var schema map[string]any
			if err := json.Unmarshal([]byte(test.schema), &schema); err != nil {
				t.Fatal(err)
			}
			given := func() *genai.GenerateContentConfig {
				return &genai.GenerateContentConfig{ResponseJsonSchema: schema, ResponseMIMEType: "application/json"}
			}
			req, fitted := fit(t, sonnet, given(), ask(genai.NewPartFromText("hi")))
			if native := req.Config.ResponseJsonSchema != nil; native != test.native || (names(req.Config) == "") != native {
				t.Fatalf("native %v with the functions %q, want native %v", native, names(req.Config), test.native)
			}
			if !test.native {
				answer := fitted.Answer(&model.LLMResponse{Content: &genai.Content{Parts: []*genai.Part{call("set_model_response", map[string]any{"a": "b"})}}})
				if got := answer.Content.Parts[0].Text; got != `{"a":"b"}` {
					t.Errorf("the answer is %q", got)
				}
			}
			if req, _ = fit(t, flash3, given(), ask(genai.NewPartFromText("hi"))); req.Config.ResponseJsonSchema == nil {
				t.Error("Gemini does not get the schema")
			}
		})
	}
}
