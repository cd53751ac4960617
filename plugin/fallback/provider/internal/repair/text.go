package repair

import (
	"regexp"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/setting"
)

// is reports whether the parameter that a server names, in lower case, is s.
func is(s *setting.Setting, param string) bool {
	first, _, _ := strings.Cut(param, "[")
	return slices.ContainsFunc(s.Words, func(word string) bool {
		return first == word || strings.HasSuffix(first, "."+word) || strings.HasPrefix(first, word+".")
	})
}

// named reports whether a text, in lower case, says that s is refused.
func named(s *setting.Setting, text string) bool {
	return refuses(text) && slices.ContainsFunc(s.Words, func(word string) bool { return mentions(text, word) })
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
		"supported range is",
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

// ofValue reports whether a text, in lower case, is about the value of a setting:
//
//   - OpenAI: "decimal above maximum value. Expected a value <= 2, but got 3 instead.",
//     "Unsupported value: 'xhigh' … Supported values are: 'low', 'medium', and 'high'."
//   - Vertex AI: "the supported range is from 1 (inclusive) to 41 (exclusive)"
//   - vLLM: "top_p must be in (0, 1], got 1.5."; pydantic: "Input should be less than or equal to 2"
//   - Gemini: "The thinking budget 50000 is invalid. Please choose a value between 512 and 24576.",
//     "Budget 0 is invalid. This model only works in thinking mode." (vercel/ai#8027),
//     "Thinking level MINIMAL is not supported for this model." (vellum-ai/vellum-assistant#32687)
//   - Anthropic: "output_config.effort 'xhigh' is not supported when thinking is disabled" (anthropics/claude-code#81084)
//
// "Only the default (1) value is supported" is about the setting.
func ofValue(text string) bool {
	for _, words := range []string{
		" range", "maximum", "minimum", "less than", "greater than", "at most", "at least", "between", "must be", "should be", "one of", "expected a value", "supported values", " got ",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return ofThinking.MatchString(text)
}

// ofThinking finds a value of a thinking setting in a text in lower case.
var ofThinking = regexp.MustCompile("(?:level|effort|budget)(?: of)? ['\"`\\\\]*(?:none|minimal|low|medium|high|xhigh|max|-?[0-9]+)\\b")
