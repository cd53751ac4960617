package fallbacktest

import (
	"net/http"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
)

// Dialect is whose chat completions a model speaks, for [Provider.StrictAs]. The
// servers differ in what they refuse, and a little in what they send.
type Dialect string

const (
	// OpenAI is what every model speaks without [Provider.StrictAs].
	OpenAI Dialect = ""
	// Mistral refuses unknown names, ids that are not nine letters and digits, and a
	// user who speaks right after a tool. Its errors are flat.
	Mistral Dialect = "mistral"
	// DeepSeek wants the thoughts of a turn with calls back, and knows neither the
	// role developer nor JSON schemas.
	DeepSeek Dialect = "deepseek"
	// Ollama ignores unknown names, takes images as data URLs only, and past calls
	// only with a JSON object as arguments. Thoughts are in the field "reasoning".
	Ollama Dialect = "ollama"
	// Groq refuses logprobs, logit_bias, names of participants and more than one
	// answer. Thoughts are in the field "reasoning".
	Groq Dialect = "groq"
)

// StrictAs is [Provider.Strict], and from now on holds the models to the rules of
// the given server instead of OpenAI's when they are asked through chat completions.
// Only the few rules that make a request for OpenAI fail there are known of each.
func (p *Provider) StrictAs(d Dialect, models ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strict = true
	if p.dialects == nil {
		p.dialects = map[string]Dialect{}
	}
	for _, m := range models {
		p.dialects[m] = d
	}
}

func (p *Provider) dialectOf(model string) Dialect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialects[model]
}

// refused is a violation in the shape of the dialect's errors. Mistral's are flat.
func (d Dialect) refused(v *strict.Violation) status {
	if d != Mistral {
		return refusedByOpenAI(v)
	}
	e := object{"object": "error", "message": v.Message, "type": v.Kind, "param": nil, "code": orNull(v.Code)}
	if v.Status == http.StatusUnprocessableEntity {
		// https://github.com/partITech/php-mistral/issues/76
		e["code"] = "3001"
		e["message"] = object{"detail": []any{object{"type": "extra_forbidden", "loc": []string{"body", v.Param}, "msg": v.Message}}}
	}
	return status{code: v.Status, body: string(encode(e))}
}

// callID is an id that the dialect itself accepts.
func (d Dialect) callID(id string) string {
	if strict.Dialect(d).TakesID(id) {
		return id
	}
	return strings.ReplaceAll(id[max(len(id)-9, 0):], "_", "0")
}

// thoughts is the name of the field that has the thoughts of an answer. OpenAI's
// own models never tell theirs here; those of a script are told as most others do.
func (d Dialect) thoughts() string {
	if d == Ollama || d == Groq {
		return "reasoning"
	}
	return "reasoning_content"
}
