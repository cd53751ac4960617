package strict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// claudeSchemaRule returns what is wrong with a schema that output is held to.
// (https://platform.claude.com/docs/en/build-with-claude/structured-outputs)
func claudeSchemaRule(schema object, at string) string {
	if text := claudeSchema(schema, at); text != "" {
		return text
	}
	if recursive(schema, schema, nil) {
		return at + ": recursive schemas are not supported"
	}
	return ""
}

// recursive reports whether a reference leads back to itself.
func recursive(root, s object, path []string) bool {
	if ref := wire.Str(s, "$ref"); ref != "" {
		if slices.Contains(path, ref) {
			return true
		}
		target := root
		for _, key := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			target = wire.Sub(target, key)
		}
		return target != nil && recursive(root, target, append(slices.Clone(path), ref))
	}
	return slices.ContainsFunc(subschemas(s), func(child object) bool { return recursive(root, child, path) })
}

// subschemas are the schemas within one that apply to values, definitions left out.
func subschemas(s object) []object {
	out := slices.Concat(wire.List(s["anyOf"]), wire.List(s["allOf"]))
	if items := wire.Sub(s, "items"); items != nil {
		out = append(out, items)
	}
	properties := wire.Sub(s, "properties")
	for _, name := range wire.Keys(properties) {
		out = append(out, wire.Sub(properties, name))
	}
	return out
}

// claudeSchema judges a schema by its keywords.
func claudeSchema(s object, at string) string {
	refused := []string{
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems",
	}
	for _, key := range wire.Keys(s) {
		if slices.Contains(refused, key) {
			return fmt.Sprintf("%s: property %q is not supported", at, key)
		}
	}
	if n, ok := wire.Number(s, "minItems"); ok && n > 1 {
		return at + ": minItems values other than 0 or 1 are not supported"
	}
	if slices.Contains(typesOf(s), "object") && s["additionalProperties"] != false {
		return at + `: for "object" type, "additionalProperties" must be explicitly set to false`
	}
	if ref := wire.Str(s, "$ref"); ref == "#" || ref != "" && !strings.HasPrefix(ref, "#/") {
		return at + ": $ref must refer to a definition of the schema, without recursion"
	}
	for _, part := range wire.List(s["allOf"]) {
		if part["$ref"] != nil {
			return at + ": allOf with $ref is not supported"
		}
	}
	children := subschemas(s)
	for _, key := range []string{"$defs", "definitions"} {
		for _, name := range wire.Keys(wire.Sub(s, key)) {
			children = append(children, wire.Sub(wire.Sub(s, key), name))
		}
	}
	for _, child := range children {
		if text := claudeSchema(child, at); text != "" {
			return text
		}
	}
	return ""
}
