package gemini

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/wireschema"
)

// maxDepth bounds the nesting of a schema; [wireschema.JSON] refuses what is deeper.
const maxDepth = 64

// isTaken reports whether the API takes a schema of genai as it is. It refuses these, which
// OpenAI and Anthropic take as JSON Schema:
//
//   - an array without items: cline/cline#7339
//   - an enum of another type than STRING: ".enum: only allowed for STRING type"
//     (anomalyco/opencode#28412)
//   - anyOf beside other fields: "When using any_of, it must be the only field set"
//     (lambda-alpha-labs/Graphenium#37, Vertex AI)
//   - neither a type nor anyOf: UKGovernmentBEIS/inspect_ai#3097, from Gemini 3 on
//   - required properties that are not defined: "required[0]: property is not defined"
//     (iBUHub/AIStudioToAPI#154)
func isTaken(s *genai.Schema, depth int) bool {
	if s == nil || depth == 0 {
		return s == nil
	}
	taken := func(child *genai.Schema) bool { return isTaken(child, depth-1) }
	is := func(t genai.Type) bool { return strings.EqualFold(string(s.Type), string(t)) }
	switch {
	case len(s.AnyOf) > 0:
		rest := *s
		rest.AnyOf = nil
		return reflect.ValueOf(rest).IsZero() && !slices.ContainsFunc(s.AnyOf, func(child *genai.Schema) bool { return !taken(child) })
	case s.Type == "" || is(genai.TypeUnspecified), len(s.Enum) > 0 && !is(genai.TypeString), is(genai.TypeArray) && s.Items == nil:
		return false
	case slices.ContainsFunc(s.Required, func(name string) bool { return s.Properties[name] == nil }):
		return false
	}
	return taken(s.Items) && !slices.ContainsFunc(slices.Collect(maps.Values(s.Properties)), func(child *genai.Schema) bool { return !taken(child) })
}

// areTaken reports whether the API takes the parameters of a function as they are: an object
// that has properties ("should be non-empty for OBJECT type",
// pipecat-ai/pipecat-flows#110).
func areTaken(s *genai.Schema) bool {
	return s == nil || strings.EqualFold(string(s.Type), string(genai.TypeObject)) && len(s.Properties) > 0 && isTaken(s, maxDepth)
}

// asJSON returns a schema as JSON Schema, nil for none. In that form, the API takes what [isTaken]
// excludes (UKGovernmentBEIS/inspect_ai#3097). It is a text, because maps have no order.
func asJSON(s any, ofArguments bool) (any, error) {
	schema, order, err := wireschema.Ordered(s)
	if err != nil || schema == nil {
		return nil, err
	}
	wireschema.AddItems(schema)
	requireDefined(schema)
	if ofArguments {
		schema["type"] = "object"
	}
	return order.Marshal(schema)
}

// requireDefined removes required properties that are not defined.
func requireDefined(v any) {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			requireDefined(child)
		}
	case map[string]any:
		properties, _ := v["properties"].(map[string]any)
		if required, ok := v["required"].([]any); ok {
			v["required"] = slices.DeleteFunc(required, func(name any) bool { return properties[fmt.Sprint(name)] == nil })
		}
		for _, child := range properties {
			requireDefined(child)
		}
		requireDefined(v["items"])
		requireDefined(v["anyOf"])
	}
}
