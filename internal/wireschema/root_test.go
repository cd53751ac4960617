package wireschema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// B100: the parameters of a function keep their properties where an API takes no
// alternatives at the root of their schema.
func TestFlatRoot(t *testing.T) {
	const s, n = `{"type":"string"}`, `{"type":"number"}`
	for _, test := range []struct{ name, given, want string }{
		{"plain", `{"type":"object","properties":{"a":{"anyOf":[` + s + `,` + n + `]}}}`, `{"type":"object","properties":{"a":{"anyOf":[` + s + `,` + n + `]}}}`},
		{"which are required", `{"type":"object","description":"d","properties":{"a":` + s + `,"b":` + s + `},"anyOf":[{"required":["a"]},{"required":["b"]}]}`,
			`{"type":"object","description":"d","properties":{"a":` + s + `,"b":` + s + `}}`},
		{"either", `{"oneOf":[{"type":"object","properties":{"kind":{"const":"x"},"a":` + s + `},"required":["kind","a"]},{"properties":{"kind":{"const":"y"},"a":` + s + `},"required":["kind"]}]}`,
			`{"type":"object","properties":{"kind":{"anyOf":[{"const":"x"},{"const":"y"}]},"a":` + s + `},"required":["kind"]}`},
		{"both", `{"type":"object","properties":{"a":` + s + `},"required":["a"],"allOf":[{"properties":{"a":` + n + `,"b":` + n + `},"required":["b"]}],"not":{"required":["c"]}}`,
			`{"type":"object","properties":{"a":` + s + `,"b":` + n + `},"required":["a","b"]}`},
		{"by reference", `{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"next":{"$ref":"#/$defs/t"}},"required":["next"]}}}`,
			`{"type":"object","properties":{"next":{"$ref":"#/$defs/t"}},"required":["next"],"$defs":{"t":{"type":"object","properties":{"next":{"$ref":"#/$defs/t"}},"required":["next"]}}}`},
		{"itself", `{"$ref":"#/$defs/t","$defs":{"t":{"anyOf":[{"$ref":"#/$defs/t"},{"properties":{"a":` + s + `},"required":["a"]}]}}}`,
			`{"type":"object","properties":{"a":` + s + `},"$defs":{"t":{"anyOf":[{"$ref":"#/$defs/t"},{"properties":{"a":` + s + `},"required":["a"]}]}}}`},
		{"or null", `{"anyOf":[{"type":"null"},{"type":"object","properties":{"a":` + s + `},"required":["a"]}]}`, `{"type":"object","properties":{"a":` + s + `},"required":["a"]}`},
		{"nowhere", `{"type":"object","allOf":[{"$ref":"https://example.com/a"},true]}`, `{"type":"object","properties":{}}`},
	} {
		given := object(t, test.given)
		if diff := cmp.Diff(object(t, test.want), wireschema.FlatRoot(given)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(object(t, test.given), given); diff != "" {
			t.Errorf("%s: the given schema has changed (-before +after):\n%s", test.name, diff)
		}
	}
}

// The properties of a reference that may be null are found, too.
func TestFlatRootOfAReferenceOrNull(t *testing.T) {
	schema, err := wireschema.JSON(object(t, `{"$ref":"#/$defs/t","nullable":true,"$defs":{"t":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	flat := wireschema.FlatRoot(schema)
	if diff := cmp.Diff(object(t, `{"a":{"type":"string"}}`), flat["properties"]); diff != "" || flat["$defs"] == nil {
		t.Errorf("%v; properties (-want +got):\n%s", flat, diff)
	}
}

// A schema whose alternatives double with each reference is read in linear time.
func TestFlatRootOfDoublingReferences(t *testing.T) {
	var defs strings.Builder
	for i := range 60 {
		fmt.Fprintf(&defs, `"t%d":{"anyOf":[{"$ref":"#/$defs/t%d"},{"$ref":"#/$defs/t%d"}]},`, i, i+1, i+1)
	}
	given := object(t, `{"$ref":"#/$defs/t0","$defs":{`+defs.String()+`"t60":{"properties":{"a":{"type":"string"}},"required":["a"]}}}`)
	flat := wireschema.FlatRoot(given)
	if diff := cmp.Diff([]any{"a"}, flat["required"]); diff != "" {
		t.Errorf("required (-want +got):\n%s", diff)
	}
}
