package strict

import (
	"fmt"
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// toolsRule: names, each once (inferred), and an object as input.
// (https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools)
func (m *messageRequest) toolsRule() string {
	seen, strict := map[string]bool{}, 0
	for i, t := range wire.List(m.in["tools"]) {
		at, name := fmt.Sprintf("tools.%d", i), wire.Str(t, "name")
		switch {
		case seen[name] && name != "":
			return at + ": tool names must be unique: " + name
		case !wire.IsCustomTool(t):
			// one of the API's own
		case !claudeToolName.MatchString(name):
			return at + ".custom.name: string should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
		case wire.Sub(t, "input_schema") == nil:
			return at + ".custom.input_schema: field required"
		case wire.Sub(t, "input_schema")["type"] != "object":
			return at + ".custom.input_schema.type: input should be 'object'"
		case hasAny(wire.Sub(t, "input_schema"), "oneOf", "allOf", "anyOf"): // https://github.com/anthropics/claude-code/issues/5319
			return at + ".custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
		case slices.ContainsFunc(wire.Keys(wire.Sub(wire.Sub(t, "input_schema"), "properties")), func(key string) bool { return !claudeArgument.MatchString(key) }):
			// https://github.com/anthropics/claude-code/issues/79418
			return at + ".custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'"
		case t["strict"] == true:
			if text := claudeSchemaRule(wire.Sub(t, "input_schema"), at+".custom.input_schema"); text != "" {
				return text
			}
			if strict++; strict > 20 { // https://platform.claude.com/docs/en/build-with-claude/structured-outputs
				return "tools: at most 20 strict tools are allowed"
			}
		}
		seen[name] = true
	}
	return ""
}

// toolChoiceRule (https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
// and https://platform.claude.com/docs/en/api/errors)
func (m *messageRequest) toolChoiceRule() string {
	if m.in["tool_choice"] == nil {
		return ""
	}
	choice := wire.Sub(m.in, "tool_choice")
	kind, name := wire.Str(choice, "type"), wire.Str(choice, "name")
	forced := kind == "any" || kind == "tool"
	switch {
	case !slices.Contains([]string{"auto", "any", "tool", "none"}, kind):
		return fmt.Sprintf("tool_choice.type: %q is not allowed", kind)
	case kind == "tool" && !slices.ContainsFunc(wire.List(m.in["tools"]), func(t object) bool { return wire.Str(t, "name") == name }):
		return fmt.Sprintf("tool_choice: tool '%s' not found in provided tools", name) // inferred
	case forced && m.claude != nil && !m.claude.forced:
		return `tool_choice: type "tool" and "any" are not supported for this model.`
	case forced && wire.Str(wire.Sub(m.in, "thinking"), "type") == "enabled":
		return "thinking may not be enabled when tool_choice forces tool use"
	}
	return ""
}
