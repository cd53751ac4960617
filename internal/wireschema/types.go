package wireschema

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/genai"
)

// gemini converts a schema of genai.
func (w *schemaWriter) gemini(s *genai.Schema, depth int) (map[string]any, error) {
	out := make(map[string]any, 4)
	w.order.state(s.PropertyOrdering)
	set(out, "title", s.Title)
	set(out, "description", s.Description)
	set(out, "format", s.Format)
	set(out, "pattern", s.Pattern)
	if t := lowerType(s.Type); t != nil {
		out["type"] = t
	}
	if s.Format == "enum" {
		delete(out, "format") // Gemini's mark of what enum says
	}
	setNumber(out, "minItems", s.MinItems)
	setNumber(out, "maxItems", s.MaxItems)
	setNumber(out, "minLength", s.MinLength)
	setNumber(out, "maxLength", s.MaxLength)
	setNumber(out, "minProperties", s.MinProperties)
	setNumber(out, "maxProperties", s.MaxProperties)
	setNumber(out, "minimum", s.Minimum)
	setNumber(out, "maximum", s.Maximum)
	if len(s.Enum) > 0 {
		out["enum"] = typed(s.Enum, s.Type)
	}
	if len(s.Required) > 0 {
		out["required"] = toList(s.Required)
	}
	var err error
	if s.Default != nil {
		if out["default"], err = w.value(s.Default, depth); err != nil {
			return nil, err
		}
	}
	if s.Properties != nil {
		if out["properties"], err = eachOf(w, s.Properties, depth); err != nil {
			return nil, err
		}
	}
	if len(s.AnyOf) > 0 {
		if out["anyOf"], err = listOf(w, s.AnyOf, depth); err != nil {
			return nil, err
		}
	}
	if s.Items != nil {
		if out["items"], err = w.schema(s.Items, depth-1); err != nil {
			return nil, err
		}
	}
	if s.Nullable != nil && *s.Nullable {
		out = orNull(out)
	}
	return out, nil
}

func set(out map[string]any, key, value string) {
	if value != "" {
		out[key] = value
	}
}

func setNumber[T int64 | float64](out map[string]any, key string, value *T) {
	if value != nil {
		out[key] = float64(*value)
	}
}

// typed returns the values of an enum with the type that the schema says: genai
// has them as strings only.
func typed(enum []string, t genai.Type) []any {
	out := toList(enum)
	if t != genai.TypeInteger && t != genai.TypeNumber {
		return out
	}
	for i, value := range enum {
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			out[i] = n
		}
	}
	return out
}

// standard converts a schema of package jsonschema as its own MarshalJSON does,
// which would recurse for ever in one that contains itself.
func (w *schemaWriter) standard(s *jsonschema.Schema, depth int) (any, error) {
	v := reflect.ValueOf(s).Elem()
	if v.IsZero() {
		return true, nil
	}
	w.order.state(s.PropertyOrder)
	out, err := w.object(s.Extra, depth) // which may hold what only Gemini knows
	if err != nil {
		return nil, err
	}
	for _, field := range schemaFields() {
		f := v.Field(field.index)
		if f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 || f.Kind() == reflect.Map && f.Len() == 0 && field.key != "properties" {
			continue
		}
		value, err := w.field(f.Interface(), depth)
		if err != nil {
			return nil, err
		}
		if field.key == "type" {
			value = lowerType(value)
		}
		out[field.key] = value
	}
	modern(out)
	if s.Extra["nullable"] == true {
		out = orNull(out)
	}
	if no, ok := out["not"]; ok && no == true && len(out) == 1 {
		return false, nil
	}
	return out, nil
}

// field converts a field of a jsonschema.Schema.
func (w *schemaWriter) field(v any, depth int) (any, error) {
	switch v := v.(type) {
	case *jsonschema.Schema:
		return w.schema(v, depth-1)
	case []*jsonschema.Schema:
		return listOf(w, v, depth)
	case map[string]*jsonschema.Schema:
		return eachOf(w, v, depth)
	case map[string][]string:
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = toList(v[name])
		}
		return out, nil
	case *any:
		return w.value(*v, depth)
	case *float64:
		return *v, nil
	case *int:
		return float64(*v), nil
	case json.RawMessage:
		plain, _, err := toJSON(v)
		return plain, err
	}
	return w.value(v, depth)
}

// schemaField is a field of a jsonschema.Schema and its keyword.
type schemaField struct {
	index int
	key   string
}

// schemaFields returns the fields of a jsonschema.Schema that are written.
var schemaFields = sync.OnceValue(func() []schemaField {
	// Those that share a keyword, of which one is set, have no tag of their own.
	// Dependencies, of a draft that no API takes, are left out.
	untagged := map[string]string{"Type": "type", "Types": "type", "Items": "items", "ItemsArray": "items"}
	var fields []schemaField
	t := reflect.TypeFor[jsonschema.Schema]()
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "-" {
			key = untagged[f.Name]
		}
		if f.IsExported() && key != "" {
			fields = append(fields, schemaField{i, key})
		}
	}
	return fields
})
