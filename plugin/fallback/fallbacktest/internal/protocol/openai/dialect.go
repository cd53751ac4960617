package openai

import (
	"net/http"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
)

// refused is a violation in the shape of the dialect's errors. Mistral's are flat.
func (p Chat) refused(v *strict.Violation) protocol.Status {
	if p.Dialect != strict.Mistral {
		return refused(v)
	}
	e := object{"object": "error", "message": v.Message, "type": v.Kind, "param": nil, "code": protocol.OrNull(v.Code)}
	if v.Status == http.StatusUnprocessableEntity {
		// https://github.com/partITech/php-mistral/issues/76
		e["code"] = "3001"
		e["message"] = object{"detail": []any{object{"type": "extra_forbidden", "loc": []string{"body", v.Param}, "msg": v.Message}}}
	}
	return protocol.Status{Code: v.Status, Body: string(protocol.Encode(e))}
}

// callID is an id that the dialect itself accepts.
func (p Chat) callID(id string) string {
	if p.Dialect.TakesID(id) {
		return id
	}
	return strings.ReplaceAll(id[max(len(id)-9, 0):], "_", "0")
}

// thoughts is the name of the field that has the thoughts of an answer. OpenAI's
// own models never tell theirs here; those of a script are told as most others do.
func (p Chat) thoughts() string {
	if p.Dialect == strict.Ollama || p.Dialect == strict.Groq {
		return "reasoning"
	}
	return "reasoning_content"
}
