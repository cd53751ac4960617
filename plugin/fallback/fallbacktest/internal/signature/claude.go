package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

type object = map[string]any

// Claude is what a Claude model signs a thought with: one mark of the thought, and
// one of all that the request says before the answer. The models of one vendor read
// each other's thoughts, so it says nothing of the model.
func Claude(thought string, body []byte) string {
	var in object
	_ = json.Unmarshal(body, &in) // the request has been read before
	turns := wire.Turns(in["messages"])
	return markOf(thought) + "." + before(in, turns)
}

// IsClaude reports whether a Claude model has made the signature of a thought.
func IsClaude(signature, thought string) bool {
	made, _, _ := strings.Cut(signature, ".")
	return made == markOf(thought)
}

// IsBound reports whether a signature was made after the given turns of a request.
func IsBound(signature string, in map[string]any, turns []wire.Turn) bool {
	_, mark, _ := strings.Cut(signature, ".")
	return mark == before(in, turns)
}

func markOf(thought string) string {
	sum := sha256.Sum256([]byte("thinking: " + thought))
	return "fallbacktest" + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// before is a mark of the system prompt, the tools and the turns. Thinking and cache
// marks are no part of it.
// (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking)
func before(in object, turns []wire.Turn) string {
	parts := []any{unmarked(any(asAny(wire.Blocks(in["system"])))), unmarked(in["tools"])}
	for _, t := range turns {
		parts = append(parts, t.Role)
		for _, b := range t.Blocks {
			if !wire.IsThinking(b) {
				parts = append(parts, unmarked(b))
			}
		}
	}
	encoded, _ := json.Marshal(parts) // has been JSON before
	sum := sha256.Sum256(encoded)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func asAny(blocks []object) []any {
	out := make([]any, len(blocks))
	for i, b := range blocks {
		out[i] = b
	}
	return out
}

// unmarked copies a value without cache marks, and with content in its long form.
func unmarked(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = unmarked(v[i])
		}
		return out
	case object:
		out := object{}
		for key, value := range v {
			switch {
			case key == "cache_control":
			case key == "content" && wire.Str(v, "type") == "tool_result":
				out[key] = unmarked(asAny(wire.Blocks(value)))
			default:
				out[key] = unmarked(value)
			}
		}
		return out
	}
	return v
}
