package clone

import (
	"maps"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/genai"
)

// data copies what stands where anything may stand: JSON's shapes and schemas.
// Another dynamic type may be live and stays shared.
func (c *copier) data(v any, depth int) any {
	switch v := v.(type) {
	case map[string]any:
		return c.object(v, depth)
	case []any:
		return c.list(v, depth)
	case []string:
		return c.strings.list(v)
	case *genai.Schema:
		return c.schema(v, depth)
	case nil, string, float64, bool, int, []byte:
		return v
	}
	return c.dynamic(v, depth)
}

func (c *copier) object(src map[string]any, depth int) map[string]any {
	if src == nil || !c.enter(depth) {
		return src
	}
	dst := maps.Clone(src)
	for key, value := range src {
		if !isScalar(value) {
			dst[key] = c.data(value, depth-1)
		}
	}
	return dst
}

func (c *copier) list(src []any, depth int) []any {
	if src == nil || !c.enter(depth) {
		return src
	}
	dst := c.values.list(src)
	for i, value := range src {
		if !isScalar(value) {
			dst[i] = c.data(value, depth-1)
		}
	}
	return dst
}

func isScalar(v any) bool {
	switch v.(type) {
	case nil, string, float64, bool:
		return true
	}
	return false
}

// dynamic is data by reflection, for any Go type of list, map or schema.
func (c *copier) dynamic(v any, depth int) any {
	t := reflect.TypeOf(v)
	if !isData(t, maxDepth) || isPlainKind(t.Kind()) {
		return v
	}
	clone := reflect.New(t).Elem()
	clone.Set(reflect.ValueOf(v))
	c.value(clone, depth)
	return clone.Interface()
}

// isData reports whether t is a plain value, a schema, or a list or a map of such
// ones or of values of any type. The depth bounds types that are lists of themselves.
func isData(t reflect.Type, depth int) bool {
	switch t {
	case reflect.TypeFor[*genai.Schema](), reflect.TypeFor[genai.Schema](),
		reflect.TypeFor[*jsonschema.Schema](), reflect.TypeFor[jsonschema.Schema]():
		return true
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return depth == 0 || t.Elem().Kind() == reflect.Interface || isData(t.Elem(), depth-1)
	}
	return isPlainKind(t.Kind())
}

// isPlainKind reports whether a value of kind holds no reference.
func isPlainKind(kind reflect.Kind) bool { return kind <= reflect.Complex128 || kind == reflect.String }
