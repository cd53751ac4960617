package plainjson_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
)

func TestObject(t *testing.T) {
	for given, want := range map[string]map[string]any{
		`null`:    nil,
		`{}`:      {},
		`{"a":1}`: {"a": 1.0},
		`{"a":9007199254740992,"b":[-9007199254740993,{"c":9223372036854775808}],"d":1.5,"e":"9007199254740993","f":null,"g":1e2,"h":12345678901234567.5}`: {
			"a": 9007199254740992.0, "b": []any{json.Number("-9007199254740993"), map[string]any{"c": json.Number("9223372036854775808")}},
			"d": 1.5, "e": "9007199254740993", "f": nil, "g": 100.0, "h": 12345678901234567.5,
		},
	} {
		got, err := plainjson.Object([]byte(given))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", given, err, diff)
		}
	}
	for _, wrong := range []string{``, `[]`, `1`, `{"a":1`, `{} {}`, `{"a":9007199254740993`, `{"a":9007199254740993} {}`, `{"a":9007199254740993,"b":1e999}`, `9007199254740993`, `[9007199254740993]`} {
		if got, err := plainjson.Object([]byte(wrong)); err == nil {
			t.Errorf("%s is %v", wrong, got)
		}
	}
}
