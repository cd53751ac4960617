package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/genai"
)

// schemaRule returns what the API refuses in a schema of genai's form, or "". Sources:
// https://github.com/cline/cline/issues/7339 (items),
// https://github.com/anomalyco/opencode/pull/28412 (enum),
// https://github.com/iBUHub/AIStudioToAPI/issues/154 (required),
// https://github.com/UKGovernmentBEIS/inspect_ai/pull/3097 (no type, from 3 on),
// https://github.com/lambda-alpha-labs/Graphenium/issues/37 (any_of, Vertex AI).
func (g *geminiRequest) schemaRule(s *genai.Schema) string {
	if s == nil {
		return ""
	}
	rest := *s
	rest.AnyOf = nil
	is := func(t string) bool { return strings.EqualFold(string(s.Type), t) }
	switch {
	case g.vertex && len(s.AnyOf) > 0 && !reflect.ValueOf(rest).IsZero():
		return ": schema specified other fields alongside any_of; when using any_of, it must be the only field set"
	case g.family.from(30) && len(s.AnyOf) == 0 && (is("") || is("TYPE_UNSPECIFIED")):
		return ".type: must be specified"
	case is("array") && s.Items == nil:
		return ".items: missing field"
	case len(s.Enum) > 0 && !is("string"):
		return ".enum: only allowed for STRING type"
	}
	for i, name := range s.Required {
		if s.Properties[name] == nil {
			return fmt.Sprintf(".required[%d]: property is not defined", i)
		}
	}
	for name, p := range s.Properties {
		if text := g.schemaRule(p); text != "" {
			return ".properties[" + name + "]" + text
		}
	}
	for _, p := range append(slices.Clone(s.AnyOf), s.Items) {
		if text := g.schemaRule(p); text != "" {
			return text
		}
	}
	return ""
}
