package digest

import (
	"reflect"
	"testing"

	"google.golang.org/genai"
)

// Maps that the digest has no short way for.
type (
	values  map[string]any
	schemas map[string]*genai.Schema
)

// The short way for a map writes what the long way does.
func TestDictionariesAreDigestedTheSameEitherWay(t *testing.T) {
	sumOf := func(v any) Sum {
		d := digests.Get().(*digest)
		defer d.release()
		d.dictionary(reflect.ValueOf(v))
		if d.err != nil {
			t.Errorf("%v: %v", v, d.err)
		}
		if len(d.keys) > 0 {
			t.Errorf("%v: %d keys are left", v, len(d.keys))
		}
		return d.sum()
	}
	for _, m := range []map[string]any{
		nil, {}, {"": nil}, {"b": 1, "a": "x", "c": 1.5}, {"z": map[string]any{"y": map[string]any{"x": nil}, "b": []any{}}, "a": map[string]any{}},
	} {
		if sumOf(m) != sumOf(values(m)) {
			t.Errorf("%v has another sum by the short way", m)
		}
	}
	for _, m := range []map[string]*genai.Schema{
		nil, {"a": nil}, {"b": {Type: genai.TypeString}, "a": {Properties: map[string]*genai.Schema{"d": {}, "c": nil}}},
	} {
		if sumOf(m) != sumOf(schemas(m)) {
			t.Errorf("%v has another sum by the short way", m)
		}
	}
}
