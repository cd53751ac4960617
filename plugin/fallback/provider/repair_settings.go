package provider

import (
	"slices"
	"strings"

	"google.golang.org/genai"
)

// setting is an optional setting of a request: an answer without it is still
// an answer to what was asked.
type setting struct {
	name  string
	words []string // what servers call it, in lower case, the most telling first
	given func(*genai.GenerateContentConfig) bool
	clear func(*genai.GenerateContentConfig)
}

// optional lists the settings in the order in which they are looked for, longer
// names before those that are part of them.
var optional = []setting{
	{"top_logprobs", []string{"top_logprobs", "logprobs"},
		func(c *genai.GenerateContentConfig) bool { return c.ResponseLogprobs || c.Logprobs != nil },
		func(c *genai.GenerateContentConfig) { c.ResponseLogprobs, c.Logprobs = false, nil }},
	{"temperature", []string{"temperature"},
		func(c *genai.GenerateContentConfig) bool { return c.Temperature != nil },
		func(c *genai.GenerateContentConfig) { c.Temperature = nil }},
	{"top_p", []string{"top_p", "topp"},
		func(c *genai.GenerateContentConfig) bool { return c.TopP != nil },
		func(c *genai.GenerateContentConfig) { c.TopP = nil }},
	{"top_k", []string{"top_k", "topk"},
		func(c *genai.GenerateContentConfig) bool { return c.TopK != nil },
		func(c *genai.GenerateContentConfig) { c.TopK = nil }},
	{"penalties", []string{"presence_penalty", "frequency_penalty", "presencepenalty", "frequencypenalty", "penalty"},
		func(c *genai.GenerateContentConfig) bool {
			return c.PresencePenalty != nil || c.FrequencyPenalty != nil
		},
		func(c *genai.GenerateContentConfig) { c.PresencePenalty, c.FrequencyPenalty = nil, nil }},
	{"stop_sequences", []string{"stop_sequences", "stopsequences", "stop"},
		func(c *genai.GenerateContentConfig) bool { return len(c.StopSequences) > 0 },
		func(c *genai.GenerateContentConfig) { c.StopSequences = nil }},
	{"seed", []string{"random_seed", "seed"},
		func(c *genai.GenerateContentConfig) bool { return c.Seed != nil },
		func(c *genai.GenerateContentConfig) { c.Seed = nil }},
	{"candidate_count", []string{"candidate_count", "candidatecount", "multiple candidates", "n"},
		func(c *genai.GenerateContentConfig) bool { return c.CandidateCount > 1 },
		func(c *genai.GenerateContentConfig) { c.CandidateCount = 0 }},
	{"safety_settings", []string{"safety_settings", "safetysettings", "safety setting"},
		func(c *genai.GenerateContentConfig) bool { return len(c.SafetySettings) > 0 },
		func(c *genai.GenerateContentConfig) { c.SafetySettings = nil }},
	{"labels", []string{"labels", "metadata"},
		func(c *genai.GenerateContentConfig) bool { return len(c.Labels) > 0 },
		func(c *genai.GenerateContentConfig) { c.Labels = nil }},
	{"thinking", []string{"reasoning_effort", "reasoning.effort", "output_config.effort", "reasoning", "thinking_level", "thinkinglevel", "thinking_budget", "thinkingbudget",
		"budget_tokens", "thinkingconfig", "thinking_config", "thinking.type", "thinking level", "thinking budget", "thinking", "effort"},
		func(c *genai.GenerateContentConfig) bool { return c.ThinkingConfig != nil },
		func(c *genai.GenerateContentConfig) { c.ThinkingConfig = nil }},
	{"media_resolution", []string{"media_resolution", "mediaresolution"},
		func(c *genai.GenerateContentConfig) bool { return c.MediaResolution != "" },
		func(c *genai.GenerateContentConfig) { c.MediaResolution = "" }},
	{"service_tier", []string{"service_tier", "servicetier"},
		func(c *genai.GenerateContentConfig) bool { return c.ServiceTier != "" },
		func(c *genai.GenerateContentConfig) { c.ServiceTier = "" }},
}

// is reports whether the parameter that a server names, in lower case, is s.
func (s *setting) is(param string) bool {
	first, _, _ := strings.Cut(param, "[")
	return slices.ContainsFunc(s.words, func(word string) bool {
		return first == word || strings.HasSuffix(first, "."+word) || strings.HasPrefix(first, word+".")
	})
}

// named reports whether a text, in lower case, says that s is refused.
func (s *setting) named(text string) bool {
	return refuses(text) && slices.ContainsFunc(s.words, func(word string) bool { return mentions(text, word) })
}

// essentials are parts of a request that are not optional. An error about one of
// them may quote a prompt or a schema that has the name of a setting in it.
var essentials = []string{"messages", "contents", "content", "input", "prompt", "instructions", "system", "tools", "functions", "response_format", "text"}

// isEssential reports whether a server complains about a part of the request that
// is not optional: by param, by a path in its text, such as messages.1.content,
// tools[0].function or ["body","messages",0], or about a schema.
func isEssential(param, text string) bool {
	first, _, _ := strings.Cut(param, "[")
	first, _, _ = strings.Cut(first, ".")
	if slices.Contains(essentials, first) || strings.Contains(text, "invalid schema") || strings.Contains(text, "input_schema") {
		return true
	}
	return slices.ContainsFunc(essentials, func(word string) bool {
		for _, after := range strings.Split(text, word)[1:] {
			index := strings.TrimLeft(after, "'\", .[(")
			isPath := strings.ContainsAny(after[:len(after)-len(index)], ".[,")
			if isPath && index != "" && index[0] >= '0' && index[0] <= '9' {
				return true
			}
		}
		return false
	})
}

// refuses reports whether a text, in lower case, says that something is not
// accepted. The words are those of OpenAI, Anthropic, Gemini, vLLM, LiteLLM,
// Fireworks and Mistral; see the errors sections of their documentation.
func refuses(text string) bool {
	for _, words := range []string{
		"not support", "unsupported", "not enabled", "not permitted", "not allowed", "not available", "unrecognized", "unknown name", "unknown parameter",
		"unknown argument", "unexpected", "extra inputs", "extra_forbidden", "cannot be specified", "cannot both", "invalid value", "not a valid", "is invalid",
		"only the default", "cannot be used", "does not accept", "must be", "should be", "cannot be set", "can only be",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// mentions reports whether text has word as a word of its own, and not as a key of
// JSON. A single letter must be quoted: 'n'.
func mentions(text, word string) bool {
	for rest, at := text, 0; ; rest = text[at:] {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		before, after := byte(' '), byte(' ')
		if start > 0 {
			before = text[start-1]
		}
		if end < len(text) {
			after = text[end]
		}
		// A quote in a text within JSON is \".
		quoted := strings.IndexByte("'`\"", before) >= 0 && strings.IndexByte("'`\"\\", after) >= 0
		isKey := before == '"' && strings.HasPrefix(text[end:], `":`)
		if !isKey && (quoted || len(word) > 1 && !isNameByte(before) && !isNameByte(after)) {
			return true
		}
		at = end
	}
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}
