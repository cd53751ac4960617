package wireschema

import (
	"encoding/json"
	"maps"
	"slices"
)

// FlatRoot returns schema in a form that has only properties at its root. schema must come from
// [JSON] and describe an object. Anthropic and OpenAI refuse functions whose parameters have
// anyOf, oneOf or allOf there ("input_schema does not support oneOf, allOf, or anyOf at the top
// level", anthropics/claude-code#5319; "schema must have type 'object' and not have
// 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level", langchain-ai/langchainjs#9804).
//
// The result accepts all that schema accepts. It has the properties of all alternatives, and
// requires what each of them requires. It shares parts with schema, which is not changed.
func FlatRoot(schema map[string]any) map[string]any {
	if !slices.ContainsFunc(rootless, func(key string) bool { return schema[key] != nil }) {
		return schema
	}
	r := root{of: schema, refs: map[string]*merged{}}
	flat := r.flatten(schema)
	out := maps.Clone(schema)
	for _, key := range rootless {
		delete(out, key)
	}
	out["type"], out["properties"] = "object", flat.properties
	delete(out, "required")
	if len(flat.required) > 0 {
		out["required"] = toList(slices.Sorted(maps.Keys(flat.required)))
	}
	return out
}

// rootless are the keywords that the root of a function's parameters must not have. A
// reference is merged, too, because the root would name none of its properties.
var rootless = []string{"anyOf", "oneOf", "allOf", "not", "enum", "$ref"}

// root is one run of [FlatRoot].
type root struct {
	of   map[string]any
	refs map[string]*merged // by reference; empty while it is being followed
}

// merged is an object with all its alternatives.
type merged struct {
	properties map[string]any
	required   map[string]bool
}

func (r *root) flatten(v any) *merged {
	m := &merged{map[string]any{}, map[string]bool{}}
	schema, _ := v.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	maps.Copy(m.properties, properties)
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if name, ok := name.(string); ok {
			m.required[name] = true
		}
	}
	if ref, ok := schema["$ref"].(string); ok {
		m.both(r.follow(ref))
	}
	all, _ := schema["allOf"].([]any)
	for _, child := range all {
		m.both(r.flatten(child))
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if alternatives, ok := schema[key].([]any); ok && len(alternatives) > 0 {
			m.both(r.either(alternatives))
		}
	}
	return m
}

func (r *root) follow(ref string) *merged {
	if m := r.refs[ref]; m != nil {
		return m
	}
	r.refs[ref] = &merged{}
	r.refs[ref] = r.flatten(resolve(r.of, ref))
	return r.refs[ref]
}

// both adds the properties and requirements of other, which apply as well.
func (m *merged) both(other *merged) {
	for name, schema := range other.properties {
		if _, ok := m.properties[name]; !ok {
			m.properties[name] = schema
		}
	}
	maps.Copy(m.required, other.required)
}

// either returns the properties of all alternatives, and what each of them requires.
func (r *root) either(alternatives []any) *merged {
	one := &merged{properties: map[string]any{}}
	kinds := map[string][]any{}   // the schemas of each property, each once
	known := map[[2]string]bool{} // by the property and the schema as text
	for _, alternative := range alternatives {
		if schema, ok := alternative.(map[string]any); ok && schema["type"] != nil && !isOfType(schema, "object") {
			continue // such as null: arguments are an object
		}
		m := r.flatten(alternative)
		for name, schema := range m.properties {
			text, _ := json.Marshal(schema) // which comes from JSON
			if kind := [2]string{name, string(text)}; !known[kind] {
				known[kind] = true
				kinds[name] = append(kinds[name], schema)
			}
		}
		if one.required == nil {
			one.required = m.required
		}
		maps.DeleteFunc(one.required, func(name string, _ bool) bool { return !m.required[name] })
	}
	for name, schemas := range kinds {
		if one.properties[name] = schemas[0]; len(schemas) > 1 {
			one.properties[name] = map[string]any{"anyOf": schemas}
		}
	}
	return one
}
