package wireschema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// B100: schemas of older drafts of JSON Schema, as MCP servers have them, become ones of
// 2020-12, which Anthropic asks for.
func TestOlderDrafts(t *testing.T) {
	for given, want := range map[string]string{
		`{"type":"integer","minimum":0,"exclusiveMinimum":true,"maximum":9,"exclusiveMaximum":false}`: `{"type":"integer","exclusiveMinimum":0,"maximum":9}`,
		`{"exclusiveMinimum":true,"exclusiveMaximum":5}`:                                              `{"exclusiveMaximum":5}`,
		`{"type":"array","items":[{"type":"string"},{"type":"NUMBER"}],"additionalItems":false}`:      `{"type":"array","prefixItems":[{"type":"string"},{"type":"number"}],"items":false}`,
		`{"type":"array","items":{"type":"string"},"additionalItems":true}`:                           `{"type":"array","items":{"type":"string"}}`,
		`{"properties":{"a":{"type":"string","required":true}},"required":["a"]}`:                     `{"properties":{"a":{"type":"string"}},"required":["a"]}`,
		`{"properties":{"items":{"type":"array","items":[]}}}`:                                        `{"properties":{"items":{"type":"array"}}}`,
	} {
		got, err := wireschema.JSON(object(t, given))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(object(t, want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", given, diff)
		}
	}
	got, err := wireschema.JSON(&jsonschema.Schema{Type: "array", ItemsArray: []*jsonschema.Schema{{Type: "string"}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(object(t, `{"type":"array","prefixItems":[{"type":"string"}]}`), got); diff != "" {
		t.Errorf("a jsonschema.Schema (-want +got):\n%s", diff)
	}
}
