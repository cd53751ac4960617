package gemini_test

import (
	"encoding/json"
	"testing"

	"google.golang.org/genai"
)

// B100, B103: a schema of genai that Gemini takes only as JSON Schema is sent as JSON Schema.
// The comment of isTaken has the sources.
func TestSchemasThatGeminiTakesAsJSON(t *testing.T) {
	noEnvironment(t)
	text := &genai.Schema{Type: genai.TypeString}
	of := func(a *genai.Schema) *genai.Schema {
		return &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"a": a}}
	}
	object := func(a string) string { return `{"properties":{"a":` + a + `},"type":"object"}` }
	for _, test := range []struct {
		name   string
		schema *genai.Schema
		want   string // "" for the form of genai
	}{
		{"text", of(text), ""},
		{"enum", of(&genai.Schema{Type: genai.TypeString, Enum: []string{"x"}}), ""},
		{"list", of(&genai.Schema{Type: genai.TypeArray, Items: text}), ""},
		{"alternatives", of(&genai.Schema{AnyOf: []*genai.Schema{text, of(text)}}), ""},
		{"list of anything", of(&genai.Schema{Type: genai.TypeArray}), object(`{"items":{},"type":"array"}`)},
		{"enum of numbers", of(&genai.Schema{Type: genai.TypeInteger, Enum: []string{"1", "2"}}), object(`{"enum":[1,2],"type":"integer"}`)},
		{"alternatives with a description", of(&genai.Schema{Description: "d", AnyOf: []*genai.Schema{text}}), object(`{"anyOf":[{"type":"string"}],"description":"d"}`)},
		{"anything", of(&genai.Schema{Description: "d"}), object(`{"description":"d"}`)},
		{"within", of(&genai.Schema{Type: genai.TypeArray, Items: of(&genai.Schema{Type: genai.TypeArray})}), object(`{"items":` + object(`{"items":{},"type":"array"}`) + `,"type":"array"}`)},
		{"required and not there", &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"a": text}, Required: []string{"a", "b"}}, `{"properties":{"a":{"type":"string"}},"required":["a"],"type":"object"}`},
	} {
		r := newRecorder(t)
		req := hello()
		req.Config = &genai.GenerateContentConfig{ResponseSchema: test.schema, ResponseMIMEType: "application/json", Tools: []*genai.Tool{{
			FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", Parameters: test.schema}},
		}}}
		if _, _, err := ask(asFitted(t), newModel(t, r.URL, genai.BackendGeminiAPI), req, false); err != nil {
			t.Fatal(err)
		}
		declared := r.body["tools"].([]any)[0].(map[string]any)["functionDeclarations"].([]any)[0].(map[string]any)
		answer := r.body["generationConfig"].(map[string]any)
		for at, form := range map[string][2]any{
			"parameters": {declared["parameters"], declared["parametersJsonSchema"]}, "answer": {answer["responseSchema"], answer["responseJsonSchema"]},
		} {
			got, _ := json.Marshal(form[1])
			if test.want == "" && (form[0] == nil || form[1] != nil) || test.want != "" && (form[0] != nil || string(got) != test.want) {
				t.Errorf("%s, %s: sent %v or, as JSON Schema, %s; want %s", test.name, at, form[0], got, test.want)
			}
		}
		if req.Config.ResponseSchema != test.schema {
			t.Errorf("%s: the caller's request has changed", test.name)
		}
	}
}

// A function whose parameters have no properties is declared as JSON Schema.
// https://github.com/pipecat-ai/pipecat-flows/issues/110
func TestFunctionWithoutArguments(t *testing.T) {
	noEnvironment(t)
	r := newRecorder(t)
	req := hello()
	req.Config = &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f", Parameters: &genai.Schema{Type: genai.TypeObject}}}}}}
	if _, _, err := ask(asFitted(t), newModel(t, r.URL, genai.BackendGeminiAPI), req, false); err != nil {
		t.Fatal(err)
	}
	const want = `[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}]`
	if got, _ := json.Marshal(r.body["tools"]); string(got) != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}
