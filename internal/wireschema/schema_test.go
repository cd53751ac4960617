package wireschema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// B103: whatever form a flow has given a schema, another vendor gets JSON Schema.
func TestJSONSchema(t *testing.T) {
	person := &genai.Schema{
		Type: genai.TypeObject, Title: "Person", PropertyOrdering: []string{"name", "age"}, Required: []string{"name"}, Example: map[string]any{"name": "x"},
		Properties: map[string]*genai.Schema{
			"name":  {Type: genai.TypeString, Description: "full", MinLength: genai.Ptr[int64](1), Pattern: "^A", Default: "Ann"},
			"age":   {Type: genai.TypeInteger, Nullable: genai.Ptr(true), Minimum: genai.Ptr(0.0), Maximum: genai.Ptr(150.0), Format: "int32"},
			"type":  {Type: genai.TypeString, Enum: []string{"A", "B"}, Format: "enum", Nullable: genai.Ptr(true)},
			"level": {Type: genai.TypeInteger, Enum: []string{"1", "2"}},
			"tags":  {Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString}, MaxItems: genai.Ptr[int64](3)},
			"any":   {AnyOf: []*genai.Schema{{Type: genai.TypeNumber}, {Type: genai.TypeBoolean}}, Nullable: genai.Ptr(true)},
			"open":  {Type: genai.TypeUnspecified},
		},
	}
	const want = `{"type":"object","title":"Person","required":["name"],"properties":{
		"name":{"type":"string","description":"full","minLength":1,"pattern":"^A","default":"Ann"},
		"age":{"type":["integer","null"],"minimum":0,"maximum":150,"format":"int32"},
		"type":{"type":["string","null"],"enum":["A","B",null]},
		"level":{"type":"integer","enum":[1,2]},
		"tags":{"type":"array","items":{"type":"string"},"maxItems":3},
		"any":{"anyOf":[{"type":"number"},{"type":"boolean"},{"type":"null"}]},
		"open":{}}}`
	var no any
	for _, test := range []struct {
		name   string
		schema any
		want   string
	}{
		{"genai's", person, want},
		{"by value", *person, want},
		{"in a map", map[string]any{"type": genai.TypeObject, "properties": map[string]*genai.Schema{"p": person}}, `{"type":"object","properties":{"p":` + want + `}}`},
		{"Gemini's JSON", json.RawMessage(`{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true,"maxLength":"5"},"l":{"type":"ARRAY","minItems":"1","items":{"$ref":"#/$defs/D","nullable":true}}},"propertyOrdering":["type"],"example":1}`),
			`{"type":"object","properties":{"type":{"type":["string","null"],"maxLength":5},"l":{"type":"array","minItems":1,"items":{"anyOf":[{"$ref":"#/$defs/D"},{"type":"null"}]}}}}`},
		{"JSON Schema", map[string]any{"type": []string{"object", "null"}, "required": []string{"a"}, "additionalProperties": false, "const": nil, "default": []int{1}},
			`{"type":["object","null"],"required":["a"],"additionalProperties":false,"const":null,"default":[1]}`},
		{"values that look like schemas", map[string]any{"enum": []any{map[string]any{"type": "STRING", "nullable": true}}, "anyOf": []map[string]any{{"type": "STRING"}}},
			`{"enum":[{"type":"STRING","nullable":true}],"anyOf":[{"type":"string"}]}`},
		{"jsonschema's", &jsonschema.Schema{
			Type: "object", Properties: map[string]*jsonschema.Schema{
				"a": {Types: []string{"null", "array"}, Items: &jsonschema.Schema{Type: "string"}, Const: &no, MinItems: genai.Ptr(1), Default: json.RawMessage(`["x"]`)},
				"b": {Minimum: genai.Ptr(0.5), Enum: []any{1, "x"}, Extra: map[string]any{"nullable": true, "x-note": []any{"n"}}},
				"c": {},
			},
			AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}, Required: []string{"a"},
			Defs: map[string]*jsonschema.Schema{"D": {Ref: "#"}}, DependentRequired: map[string][]string{"a": {"b"}},
		}, `{"type":"object","properties":{"a":{"type":["null","array"],"items":{"type":"string"},"const":null,"minItems":1,"default":["x"]},
			"b":{"minimum":0.5,"enum":[1,"x",null],"x-note":["n"]},"c":true},"additionalProperties":false,"required":["a"],"$defs":{"D":{"$ref":"#"}},"dependentRequired":{"a":["b"]}}`},
		{"anything", &jsonschema.Schema{}, `{}`},
		{"a type of one's own", struct {
			Type string `json:"type"`
		}{"STRING"}, `{"type":"string"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := wireschema.JSON(test.schema)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(object(t, test.want), got); diff != "" {
				t.Errorf("schema (-want +got):\n%s", diff)
			}
		})
	}
	for _, none := range []any{nil, (*genai.Schema)(nil), (*jsonschema.Schema)(nil), map[string]any(nil), json.RawMessage("null")} {
		if got, err := wireschema.JSON(none); got != nil || err != nil {
			t.Errorf("%T gives %v, %v; want nothing", none, got, err)
		}
	}
}

// What package jsonschema itself writes is what is made of its schemas.
func TestJSONSchemaOfGoTypes(t *testing.T) {
	type address struct {
		Street string  `json:"street" jsonschema:"street and number"`
		Zip    *string `json:"zip,omitempty"`
	}
	schema, err := jsonschema.For[struct {
		Name      string             `json:"name"`
		Addresses []address          `json:"addresses"`
		Scores    map[string]float64 `json:"scores"`
		Any       any                `json:"any"`
	}](nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	got, err := wireschema.JSON(schema)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(object(t, string(text)), got); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

func TestJSONSchemaCopies(t *testing.T) {
	in := map[string]any{"properties": map[string]any{"a": map[string]any{"enum": []any{"x"}}}}
	out, err := wireschema.JSON(in)
	if err != nil {
		t.Fatal(err)
	}
	a := out["properties"].(map[string]any)["a"].(map[string]any)
	a["enum"].([]any)[0], a["type"] = "y", "string"
	want := map[string]any{"properties": map[string]any{"a": map[string]any{"enum": []any{"x"}}}}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("the input changed (-want +got):\n%s", diff)
	}
}

// A schema that cannot be written is an error, not a panic or a hang.
func TestJSONSchemaRefuses(t *testing.T) {
	gemini := &genai.Schema{Type: genai.TypeObject}
	gemini.Properties = map[string]*genai.Schema{"self": gemini}
	standard := &jsonschema.Schema{}
	standard.Items = standard
	plain := map[string]any{}
	plain["not"] = plain
	value := map[string]any{}
	value["default"] = []any{value}
	doubling := &genai.Schema{}
	for range 40 {
		doubling = &genai.Schema{AnyOf: []*genai.Schema{doubling, doubling}}
	}
	for name, schema := range map[string]any{
		"cycle of genai": gemini, "cycle of jsonschema": standard, "cycle of maps": plain, "cycle in a value": value, "too many": doubling,
		"list": []any{}, "string": "object", "broken": json.RawMessage(`{"type":`), "function": map[string]any{"default": func() {}},
	} {
		if got, err := wireschema.JSON(schema); err == nil || !strings.HasPrefix(err.Error(), "schema: ") {
			t.Errorf("%s: got %v and error %v, want an error of this package", name, got, err)
		}
	}
}

func TestStrictSchema(t *testing.T) {
	for _, test := range []struct{ name, schema, want string }{
		{"closes objects", `{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{},"required":[]}},"b":{"type":["string","null"],"format":"date"},"c":{"$ref":"#/$defs/D"}},"required":["a","b","c"],"$defs":{"D":{"anyOf":[{"type":"null"},{"type":"integer","minimum":1}]}}}`,
			`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{},"required":[],"additionalProperties":false}},"b":{"type":["string","null"],"format":"date"},"c":{"$ref":"#/$defs/D"}},"required":["a","b","c"],"$defs":{"D":{"anyOf":[{"type":"null"},{"type":"integer","minimum":1}]}},"additionalProperties":false}`},
		{"an optional property", `{"type":"object","properties":{"a":{"type":"string"}}}`, ""},
		{"within another", `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}},"required":["a"]}`, ""},
		{"an open object", `{"type":"object","properties":{},"additionalProperties":true}`, ""},
		{"a map", `{"type":"object","additionalProperties":{"type":"string"}}`, ""},
		{"no object", `{"type":"string"}`, ""},
		{"a choice", `{"type":"object","properties":{},"anyOf":[{"type":"object","properties":{}}]}`, ""},
		{"a default", `{"type":"object","properties":{"a":{"type":"string","default":"x"}},"required":["a"]}`, ""},
		{"another format", `{"type":"object","properties":{"a":{"type":"integer","format":"int32"}},"required":["a"]}`, ""},
		{"a list of anything", `{"type":"object","properties":{"a":{"type":"array"}},"required":["a"]}`, ""},
		{"a reference with more", `{"type":"object","properties":{"a":{"$ref":"#","title":"x"}},"required":["a"]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := wireschema.Strict(object(t, test.schema))
			if ok != (test.want != "") {
				t.Fatalf("strict: %t", ok)
			}
			if ok {
				if diff := cmp.Diff(object(t, test.want), got); diff != "" {
					t.Errorf("schema (-want +got):\n%s", diff)
				}
			}
		})
	}
}
