package strict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/signature"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

var (
	claudeToolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	claudeArgument = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)
	claudeID       = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
)

// messagesRule: roles. The first message is the user's (reports; not in today's
// documents). What the role system needs:
// https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
func (m *messageRequest) messagesRule() string {
	if len(m.turns) == 0 {
		return "messages: at least one message is required"
	}
	for i, msg := range wire.List(m.in["messages"]) {
		_, text := msg["content"].(string)
		_, blocks := msg["content"].([]any)
		if !text && !blocks {
			return fmt.Sprintf("messages.%d.content: input should be a string or an array of blocks", i)
		}
	}
	for i, t := range m.turns {
		switch {
		case t.Role == "system" && m.claude != nil && !m.claude.system:
			return fmt.Sprintf("messages.%d: role 'system' is not supported for this model", i)
		case t.Role == "system" && (i == 0 || m.turns[i-1].Role != "user" || i+1 < len(m.turns) && m.turns[i+1].Role != "assistant"):
			return fmt.Sprintf("messages.%d: role 'system' must follow a user turn and be last or followed by an assistant turn", i)
		case !slices.Contains([]string{"user", "assistant", "system"}, t.Role):
			return fmt.Sprintf("messages.%d: unexpected role %q; allowed roles are \"user\" or \"assistant\"", i, t.Role)
		case len(t.Blocks) == 0:
			return fmt.Sprintf("messages.%d: all messages must have non-empty content", i) // inferred
		}
	}
	if m.turns[0].Role != "user" {
		return "messages: first message must use the \"user\" role"
	}
	return ""
}

// blockTypes are the blocks of each role. Those that the API's own tools leave
// behind are not looked into.
var blockTypes = map[string][]string{
	"user":   {"text", "image", "document", "search_result", "tool_result", "container_upload"},
	"system": {"text"},
	"assistant": {
		"text", "document", "thinking", "redacted_thinking", "tool_use", "fallback", "server_tool_use", "web_search_tool_result", "web_fetch_tool_result",
		"code_execution_tool_result", "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
	},
}

func (m *messageRequest) blocksRule() string {
	ids := map[string]bool{}
	for i, t := range m.turns {
		for j, b := range t.Blocks {
			at, kind := fmt.Sprintf("messages.%d.content.%d", i, j), wire.Str(b, "type")
			if !slices.Contains(blockTypes[t.Role], kind) {
				return fmt.Sprintf("%s: a block of type %q is not allowed in a message of role %s", at, kind, t.Role) // image in an assistant turn: inferred
			}
			if text := m.blockRule(b, kind, t.Role); text != "" {
				return at + ": " + text
			}
			if kind != "tool_use" {
				continue
			}
			if id := wire.Str(b, "id"); ids[id] {
				return at + ": `tool_use` ids must be unique"
			}
			ids[wire.Str(b, "id")] = true
		}
	}
	return ""
}

func (m *messageRequest) blockRule(b object, kind, role string) string {
	input, result := b["input"].(object)
	switch {
	case kind == "text" && wire.Str(b, "text") == "": // https://github.com/anthropics/claude-code/issues/59812
		return "text content blocks must be non-empty"
	case kind == "text" && role == "user" && m.newer && len(wire.List(b["citations"])) > 0: // https://platform.claude.com/docs/en/api/versioning
		return "citations are not allowed in a user message"
	case kind == "document" && role == "assistant" && m.newer: // https://platform.claude.com/docs/en/api/versioning
		return "document blocks are not allowed in an assistant message"
	case kind == "image", kind == "document":
		return sourceRule(kind, wire.Sub(b, "source"))
	case kind == "thinking" && (b["thinking"] == nil || wire.Str(b, "signature") == ""):
		return "thinking and signature are required"
	case kind == "tool_use" && !claudeID.MatchString(wire.Str(b, "id")): // https://github.com/HKUDS/nanobot/issues/4356
		return "tool_use.id: string should match pattern '^[a-zA-Z0-9_-]+$'"
	case kind == "tool_use" && !claudeToolName.MatchString(wire.Str(b, "name")):
		return "tool_use.name: string should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
	case kind == "tool_use" && (!result || input == nil):
		return "tool_use.input: input should be an object"
	case kind == "tool_result":
		return m.toolResultRule(b)
	}
	return ""
}

// toolResultRule
// (https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls)
func (m *messageRequest) toolResultRule(b object) string {
	if !claudeID.MatchString(wire.Str(b, "tool_use_id")) {
		return "tool_result.tool_use_id: string should match pattern '^[a-zA-Z0-9_-]+$'"
	}
	switch b["content"].(type) {
	case nil, string:
		return ""
	case []any:
	default:
		return "tool_result.content: input should be a string or an array of blocks"
	}
	for _, inner := range wire.List(b["content"]) {
		kind := wire.Str(inner, "type")
		if !slices.Contains([]string{"text", "image", "document", "search_result"}, kind) {
			return fmt.Sprintf("tool_result.content: a block of type %q is not allowed", kind)
		}
		if text := m.blockRule(inner, kind, "user"); text != "" {
			return "tool_result.content: " + text
		}
	}
	return ""
}

// sourceRule: images are jpeg, png, gif or webp
// (https://platform.claude.com/docs/en/build-with-claude/vision), documents PDF, text
// or blocks (https://platform.claude.com/docs/en/build-with-claude/pdf-support).
func sourceRule(kind string, source object) string {
	allowed := []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	if kind == "document" {
		allowed = []string{"application/pdf"}
	}
	switch wire.Str(source, "type") {
	case "base64":
		switch {
		case !slices.Contains(allowed, wire.Str(source, "media_type")):
			return fmt.Sprintf("source.base64.media_type: input should be one of %s", strings.Join(allowed, ", "))
		case wire.Str(source, "data") == "":
			return "source.base64.data: image or document cannot be empty"
		}
	case "url":
		if !strings.HasPrefix(wire.Str(source, "url"), "https://") && !strings.HasPrefix(wire.Str(source, "url"), "http://") {
			return "source.url.url: only http and https URLs are supported"
		}
	case "file":
	case "text", "content":
		if kind == "image" {
			return "source.type: not allowed for an image"
		}
	default:
		return fmt.Sprintf("source.type: %q is not allowed", wire.Str(source, "type"))
	}
	return ""
}

// pairsRule: the calls of a turn are answered in the very next one, once each,
// before anything else; results answer calls.
// (https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls;
// orphans: https://github.com/browseros-ai/BrowserOS-agent/issues/106)
func (m *messageRequest) pairsRule() string {
	var open []string // calls of the turn before
	for i, t := range append(m.turns, wire.Turn{}) {
		var asked []string
		others := false
		for _, b := range t.Blocks {
			switch wire.Str(b, "type") {
			case "tool_use":
				asked = append(asked, wire.Str(b, "id"))
			case "tool_result":
				k := slices.Index(open, wire.Str(b, "tool_use_id"))
				if k < 0 {
					return fmt.Sprintf("messages.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s; each must have a corresponding `tool_use` block in the previous message", i, wire.Str(b, "tool_use_id"))
				}
				if others {
					return fmt.Sprintf("messages.%d: `tool_result` blocks must come before other content", i)
				}
				open = slices.Delete(open, k, k+1)
				continue
			}
			others = true
		}
		if len(open) > 0 {
			return fmt.Sprintf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s", i-1, strings.Join(open, ", "))
		}
		open = asked
	}
	return ""
}

// lastRule: an answer that the request has begun.
// (https://platform.claude.com/docs/en/api/errors; the whitespace is long known)
func (m *messageRequest) lastRule() string {
	last := m.turns[len(m.turns)-1]
	if last.Role != "assistant" {
		return ""
	}
	kind := wire.Str(wire.Sub(m.in, "thinking"), "type")
	if m.claude != nil && (!m.claude.prefill || kind == "enabled") {
		return "This model does not support assistant message prefill. The conversation must end with a user message."
	}
	text := wire.Str(last.Blocks[len(last.Blocks)-1], "text")
	if text != strings.TrimRight(text, " \t\r\n") {
		return "messages: final assistant content cannot end with trailing whitespace"
	}
	return ""
}

// thoughtsRule: thinking blocks are ones that a model of this vendor has signed and
// are unchanged. Some models bind them to the conversation before them
// (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking). While
// tools are called, type enabled wants one at the start of the model's turn
// (https://github.com/anthropics/claude-code/issues/14264); adaptive tolerates their
// absence.
func (m *messageRequest) thoughtsRule() string {
	for i, t := range m.turns {
		for j, b := range t.Blocks {
			if !wire.IsThinking(b) {
				continue
			}
			sealed := wire.Str(b, "signature") + wire.Str(b, "data")
			switch {
			case !signature.IsClaude(sealed, wire.Str(b, "thinking")):
				return fmt.Sprintf("messages.%d.content.%d: Invalid `signature` in `thinking` block", i, j)
			case m.claude != nil && m.claude.bound && !signature.IsBound(sealed, m.in, m.turns[:i]):
				return fmt.Sprintf("messages.%d.content.%d: Invalid `signature` in `thinking` block. The block is bound to a different conversation", i, j)
			}
		}
	}
	n := len(m.turns)
	if n < 2 || wire.Str(wire.Sub(m.in, "thinking"), "type") != "enabled" || wire.Str(m.turns[n-1].Blocks[0], "type") != "tool_result" {
		return ""
	}
	if first := m.turns[n-2].Blocks[0]; !wire.IsThinking(first) {
		return fmt.Sprintf("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%s`", n-2, wire.Str(first, "type"))
	}
	return ""
}
