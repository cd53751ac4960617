package wire

import "slices"

// Blocks returns the content of an Anthropic message as blocks; a string is one text
// block.
func Blocks(content any) []map[string]any {
	if s, ok := content.(string); ok {
		return []object{{"type": "text", "text": s}}
	}
	return List(content)
}

// IsCustomTool reports whether a tool is one that the client runs and describes.
func IsCustomTool(t map[string]any) bool { return t["type"] == nil || Str(t, "type") == "custom" }

// IsThinking reports whether a block holds thoughts, readable or not.
func IsThinking(b map[string]any) bool {
	return Str(b, "type") == "thinking" || Str(b, "type") == "redacted_thinking"
}

// Turn is the Anthropic messages of one role that follow each other, which the API
// merges.
type Turn struct {
	Role   string
	Blocks []map[string]any
}

// Turns returns messages merged.
func Turns(messages any) []Turn {
	var out []Turn
	for _, m := range List(messages) {
		role, blocks := Str(m, "role"), Blocks(m["content"])
		if n := len(out); n > 0 && out[n-1].Role == role {
			out[n-1].Blocks = slices.Concat(out[n-1].Blocks, blocks)
		} else {
			out = append(out, Turn{role, blocks})
		}
	}
	return out
}
