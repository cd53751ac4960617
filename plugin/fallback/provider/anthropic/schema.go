package anthropic

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// The limits of the grammar of structured output.
// https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
var (
	schemaKeys = []string{"$ref", "$defs", "definitions", "type", "title", "description", "enum", "const", "properties", "required", "additionalProperties",
		"items", "minItems", "format", "pattern", "anyOf", "allOf"}
	stringFormats = []string{"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
	// lookaround finds groups other than (?:…), and back-references.
	lookaround = regexp.MustCompile(`\(\?[^:]|\\[1-9k]|\\[bB]`)
)

// outputSchema returns schema, as wireschema.JSON made it, in the form that an
// output format takes. What the grammar cannot hold moves into the description,
// so that the model knows of it still: that is what Anthropic's SDKs do. It changes
// schema.
func outputSchema(schema map[string]any) map[string]any {
	if ref, ok := schema["$ref"]; ok {
		kept := map[string]any{"$ref": ref}
		if defs, ok := schema["$defs"]; ok {
			kept["$defs"] = defs
		}
		schema = kept
	}
	if one, ok := schema["oneOf"]; ok {
		if _, both := schema["anyOf"]; !both {
			schema["anyOf"] = one
		}
		delete(schema, "oneOf")
	}
	var lost []string
	for _, key := range slices.Sorted(maps.Keys(schema)) {
		if value := schema[key]; !holds(key, value) {
			delete(schema, key)
			if key[0] != '$' {
				text, _ := json.Marshal(value)
				lost = append(lost, fmt.Sprintf("%s: %s", key, text))
			}
		}
	}
	for _, key := range []string{"properties", "$defs", "definitions"} {
		if children, ok := schema[key].(map[string]any); ok {
			for _, child := range children {
				cleanChild(child)
			}
		}
	}
	for _, key := range []string{"anyOf", "allOf"} {
		if children, ok := schema[key].([]any); ok {
			for _, child := range children {
				cleanChild(child)
			}
		}
	}
	cleanChild(schema["items"])
	if isType(schema, "object") {
		if schema["properties"] == nil {
			schema["properties"] = map[string]any{}
		}
		schema["additionalProperties"] = false
	}
	if len(lost) > 0 {
		text, _ := schema["description"].(string)
		schema["description"] = strings.TrimSpace(text + "\n\n{" + strings.Join(lost, ", ") + "}")
	}
	return schema
}

func cleanChild(child any) {
	if schema, ok := child.(map[string]any); ok {
		kept := outputSchema(schema)
		if _, ok := kept["$ref"]; ok { // a map of its own
			clear(schema)
			maps.Copy(schema, kept)
		}
	}
}

// holds tells whether the grammar takes a keyword with that value.
func holds(key string, value any) bool {
	switch key {
	case "minItems":
		text := fmt.Sprint(value)
		return text == "0" || text == "1"
	case "format":
		text, _ := value.(string)
		return slices.Contains(stringFormats, text)
	case "pattern":
		text, _ := value.(string)
		return !lookaround.MatchString(text)
	case "additionalProperties":
		return value == false
	}
	return slices.Contains(schemaKeys, key)
}

// isType tells whether name is a type of schema.
func isType(schema map[string]any, name string) bool {
	switch t := schema["type"].(type) {
	case string:
		return t == name
	case []any:
		return slices.Contains(t, any(name))
	case []string:
		return slices.Contains(t, name)
	}
	return schema["properties"] != nil
}

// inputSchema returns schema in the form that the input of a tool takes: an
// object.
func inputSchema(schema map[string]any) map[string]any {
	schema = wireschema.FlatRoot(schema)
	if schema["type"] == "object" {
		return schema
	}
	object := maps.Clone(schema)
	if object == nil {
		object = map[string]any{}
	}
	object["type"] = "object"
	if object["properties"] == nil {
		object["properties"] = map[string]any{}
	}
	return object
}
