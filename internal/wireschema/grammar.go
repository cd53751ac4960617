package wireschema

import (
	"slices"
	"strings"
)

// The limits of Anthropic's structured output for all schemas of a request:
// platform.claude.com/docs/en/build-with-claude/structured-outputs. A schema beyond
// them, or one that contains itself, is a 400. An object has the properties that its
// schema names, and no others: a map would always be empty.
const (
	maxOptional = 24 // properties that are not required
	maxUnions   = 16 // properties of several types
)

// InGrammar reports whether Anthropic's structured output can hold an answer of schema, as
// [JSON] makes it.
func InGrammar(schema map[string]any) bool {
	g := grammar{root: schema, seen: map[string]bool{"#": true}}
	return g.holds(schema) && g.optional <= maxOptional && g.unions <= maxUnions
}

// grammar is one run of [InGrammar].
type grammar struct {
	root             map[string]any
	seen             map[string]bool // by reference: whether it is being followed
	optional, unions int
}

func (g *grammar) holds(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(child any) bool { return !g.holds(child) })
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			return g.follows(ref)
		}
		return g.object(v) && g.holds(v["items"]) && g.holds(v["anyOf"]) && g.holds(v["oneOf"]) && g.allOf(v["allOf"])
	}
	return true
}

// object counts the properties of a schema.
func (g *grammar) object(schema map[string]any) bool {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	if isMap(schema, properties) {
		return false
	}
	for name, child := range properties {
		if !slices.Contains(required, any(name)) {
			g.optional++
		}
		if child, ok := child.(map[string]any); ok {
			if types, _ := child["type"].([]any); len(types) > 1 || child["anyOf"] != nil || child["oneOf"] != nil {
				g.unions++
			}
		}
		if !g.holds(child) {
			return false
		}
	}
	return true
}

// isMap tells whether a schema is of an object whose properties it does not name.
func isMap(schema, properties map[string]any) bool {
	more, said := schema["additionalProperties"]
	if _, isSchema := more.(map[string]any); isSchema {
		return true
	}
	types, _ := schema["type"].([]any)
	isObject := schema["type"] == "object" || slices.Contains(types, any("object"))
	return isObject && len(properties) == 0 && !(said && more == false)
}

// allOf: a reference within it is refused.
func (g *grammar) allOf(v any) bool {
	list, _ := v.([]any)
	return g.holds(v) && !slices.ContainsFunc(list, func(child any) bool {
		schema, _ := child.(map[string]any)
		return schema["$ref"] != nil
	})
}

// follows tells whether a reference leads to a schema that the grammar can hold and that
// does not contain the reference itself.
func (g *grammar) follows(ref string) bool {
	if following, seen := g.seen[ref]; seen {
		return !following
	}
	at := resolve(g.root, ref)
	if at == nil {
		return false
	}
	g.seen[ref] = true
	defer func() { g.seen[ref] = false }()
	return g.holds(at)
}

// resolve returns the schema within root that a reference such as #/$defs/place names; nil
// if there is none.
func resolve(root map[string]any, ref string) any {
	path, inside := strings.CutPrefix(ref, "#/")
	if !inside {
		return nil
	}
	var at any = root
	for name := range strings.SplitSeq(path, "/") {
		schema, _ := at.(map[string]any)
		at = schema[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return at
}
