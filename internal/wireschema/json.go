package wireschema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/genai"
)

// maxSchemas bounds a schema with all that it contains: one that refers to the
// same part twice on every level doubles with each.
const maxSchemas = 20_000

// maxDepth bounds the nesting of a schema.
const maxDepth = 64

// JSON returns schema as an object of JSON Schema that shares nothing with
// it. It takes what may stand in a request, by value or by pointer: a
// genai.Schema, a jsonschema.Schema, a map, a json.RawMessage, and all else that
// marshals to a JSON object. A nil schema gives nil.
//
// Gemini's extensions become standard JSON Schema, at any depth: types in upper
// case become lower case, nullable becomes the type "null", bounds in quotes become
// numbers, the values of an enum get its type, and propertyOrdering (see [Ordered])
// and example are omitted. Keywords of older drafts become those of 2020-12.
//
// It returns an error for a schema that is no object, contains itself, is nested
// deeper than 64 levels or has more than 20,000 parts.
func JSON(schema any) (map[string]any, error) { return new(schemaWriter).root(schema) }

func (w *schemaWriter) root(schema any) (map[string]any, error) {
	converted, err := w.schema(schema, maxDepth)
	if err != nil {
		return nil, err
	}
	switch converted := converted.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return converted, nil
	case bool:
		if converted {
			return map[string]any{}, nil
		}
		return map[string]any{"not": map[string]any{}}, nil
	}
	return nil, fmt.Errorf("schema: a value of type %T is no JSON object; use a *genai.Schema, a *jsonschema.Schema or a map", schema)
}

// schemaWriter is one run of [JSON].
type schemaWriter struct {
	parts int
	order Order
}

// schema converts what stands where a schema may stand. What is none, such as a
// bool, is copied.
func (w *schemaWriter) schema(v any, depth int) (any, error) {
	if err := w.enter(depth); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil, nil
		}
		return w.object(v, depth)
	case *genai.Schema:
		if v == nil {
			return nil, nil
		}
		return w.gemini(v, depth)
	case genai.Schema:
		return w.gemini(&v, depth)
	case *jsonschema.Schema:
		if v == nil {
			return nil, nil
		}
		return w.standard(v, depth)
	case jsonschema.Schema:
		return w.standard(&v, depth)
	case []any:
		return listOf(w, v, depth)
	case nil, bool, string, float64:
		return v, nil
	}
	plain, text, err := toJSON(v)
	if err != nil {
		return nil, err
	}
	w.order.read(json.NewDecoder(bytes.NewReader(text)))
	return w.schema(plain, depth)
}

func (w *schemaWriter) enter(depth int) error {
	w.parts++
	if depth <= 0 || w.parts > maxSchemas {
		return fmt.Errorf("schema: it contains itself, is nested deeper than %d levels or has more than %d parts; use a $ref for one that repeats", maxDepth, maxSchemas)
	}
	return nil
}

// object converts a schema in JSON's shape, of any dialect.
func (w *schemaWriter) object(in map[string]any, depth int) (map[string]any, error) {
	out := make(map[string]any, len(in))
	nullable := false
	for key, value := range in {
		var err error
		switch key {
		case "propertyOrdering":
			if names, ok := toStrings(value); ok {
				w.order.state(names)
			}
			continue
		case "example":
			continue
		case "nullable":
			nullable = value == true
			continue
		case "type":
			value = lowerType(value)
		case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
			value, err = w.named(value, depth)
		case "anyOf", "oneOf", "allOf", "prefixItems", "items", "additionalProperties", "not", "if", "then", "else", "contains",
			"propertyNames", "unevaluatedItems", "unevaluatedProperties", "additionalItems":
			value, err = w.schemas(value, depth)
		case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum":
			value = number(value)
		default:
			value, err = w.value(value, depth)
		}
		if err != nil {
			return nil, err
		}
		if value != nil || key == "const" || key == "default" {
			out[key] = value
		}
	}
	modern(out)
	if nullable {
		out = orNull(out)
	}
	return out, nil
}

// named converts the schemas of a map.
func (w *schemaWriter) named(v any, depth int) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return eachOf(w, v, depth)
	case map[string]*genai.Schema:
		return eachOf(w, v, depth)
	case map[string]*jsonschema.Schema:
		return eachOf(w, v, depth)
	}
	return w.value(v, depth)
}

func eachOf[T any](w *schemaWriter, schemas map[string]T, depth int) (map[string]any, error) {
	out := make(map[string]any, len(schemas))
	for name, schema := range schemas {
		converted, err := w.schema(schema, depth-1)
		if err != nil {
			return nil, err
		}
		if converted != nil {
			out[name] = converted
		}
	}
	return out, nil
}

// schemas converts a schema, or each of a list.
func (w *schemaWriter) schemas(v any, depth int) (any, error) {
	switch v := v.(type) {
	case []*genai.Schema:
		return listOf(w, v, depth)
	case []*jsonschema.Schema:
		return listOf(w, v, depth)
	}
	return w.schema(v, depth-1)
}

func listOf[T any](w *schemaWriter, schemas []T, depth int) ([]any, error) {
	out := make([]any, 0, len(schemas))
	for _, schema := range schemas {
		converted, err := w.schema(schema, depth-1)
		if err != nil {
			return nil, err
		}
		if converted != nil {
			out = append(out, converted)
		}
	}
	return out, nil
}

// lowerType returns the type, or the list of types, in JSON Schema's words, and
// nil for one that Gemini leaves open.
func lowerType(v any) any {
	switch v := v.(type) {
	case genai.Type:
		return lowerType(string(v))
	case string:
		switch word := strings.ToLower(v); word {
		case "string", "number", "integer", "boolean", "array", "object", "null":
			return word
		case "type_unspecified", "":
			return nil
		}
		return v
	case []string:
		return lowerType(toList(v))
	case []any:
		out := make([]any, 0, len(v))
		for _, t := range v {
			if t = lowerType(t); t != nil {
				out = append(out, t)
			}
		}
		return out
	}
	return v
}

// number returns the number in v, which Gemini's JSON has in quotes.
func number(v any) any {
	if s, ok := v.(string); ok {
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n
		}
	}
	return v
}

// orNull makes a schema accept null, too.
func orNull(schema map[string]any) map[string]any {
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, nil) {
		schema["enum"] = append(enum, nil)
	}
	switch t := schema["type"].(type) {
	case string:
		if t != "null" {
			schema["type"] = []any{t, "null"}
		}
		return schema
	case []any:
		if !slices.Contains(t, any("null")) {
			schema["type"] = append(t, "null")
		}
		return schema
	}
	if anyOf, ok := schema["anyOf"].([]any); ok {
		schema["anyOf"] = append(anyOf, map[string]any{"type": "null"})
		return schema
	}
	if _, ok := schema["$ref"]; ok {
		out := map[string]any{"anyOf": []any{schema, map[string]any{"type": "null"}}}
		for _, key := range []string{"$defs", "definitions"} { // references name them from where they stand
			if defs, ok := schema[key]; ok {
				out[key] = defs
				delete(schema, key)
			}
		}
		return out
	}
	return schema // anything, null included
}
