package anthropic

import (
	"maps"
	"slices"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// toolNames: ^[a-zA-Z0-9_-]{1,64}$
// (platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools).
var toolNames = request.NameRule{Max: 64, Byte: isNameByte}

// argumentNames is the rule for names of arguments: "tools.0.custom.input_schema.properties:
// Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'" (anthropics/claude-code#79418).
// Only names at the root are checked (decocms/studio#6874).
var argumentNames = request.NameRule{Max: 64, Byte: func(c byte) bool { return isNameByte(c) || c == '.' }}

// names maps the names of functions and of their arguments to those that the API takes, and
// back.
type names struct {
	request.Names
	arguments map[string]request.Names // by the function's own name; only for functions with arguments to map
}

// declare returns the input schema of a function with the API's names. It may change schema.
func (n *names) declare(function string, schema map[string]any) map[string]any {
	properties, _ := schema["properties"].(map[string]any)
	own := request.NamesOf(&argumentNames, slices.Values(slices.Sorted(maps.Keys(properties))))
	if own.AllPlain() {
		return schema
	}
	if n.arguments == nil {
		n.arguments = map[string]request.Names{}
	}
	n.arguments[function] = own
	schema["properties"] = renamed(properties, own.Wire)
	if required, ok := schema["required"].([]any); ok {
		for i := range required {
			if name, ok := required[i].(string); ok {
				required[i] = own.Wire(name)
			}
		}
	}
	return schema
}

// wireArguments returns the arguments of a call of a function with the API's names.
func (n *names) wireArguments(function string, args map[string]any) map[string]any {
	own, ok := n.arguments[function]
	if !ok {
		return args
	}
	return renamed(args, own.Wire)
}

// originalArguments is the reverse of wireArguments.
func (n *names) originalArguments(function string, args map[string]any) map[string]any {
	own, ok := n.arguments[function]
	if !ok {
		return args
	}
	return renamed(args, own.Original)
}

// renamed returns a map with other keys.
func renamed(in map[string]any, name func(string) string) map[string]any {
	out := make(map[string]any, len(in))
	for key, value := range in {
		out[name(key)] = value
	}
	return out
}

// isWord tells whether s matches ^[a-zA-Z0-9_-]+$.
func isWord(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// toolID returns id in the form that the API takes, which matches
// ^[a-zA-Z0-9_-]+$.
func toolID(id string, _ int) string {
	if isWord(id) || id == "" {
		return id
	}
	fine := []byte(id)
	for i, c := range fine {
		if !isNameByte(c) {
			fine[i] = '_'
		}
	}
	return string(fine)
}
