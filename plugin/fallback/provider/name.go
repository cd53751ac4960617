package provider

import (
	"regexp"
	"strings"
)

// ByName returns the API of a model by its name alone, such as Gemini for
// "gemini-3-flash" or "publishers/google/models/gemini-3-flash", Responses for
// "gpt-5" and Anthropic for "claude-sonnet-5". It returns "" for a name that it
// does not know.
func ByName(model string) API {
	name, _ := parseName(model)
	switch {
	case matchesAny("gemini-* gemma-*", name):
		return Gemini
	case matchesAny("gpt-oss*", name):
		return "" // open weights: every server has them
	case matchesAny("gpt-* chatgpt-* o[0-9] o[0-9]-*", name):
		return Responses
	case matchesAny("claude-*", name):
		return Anthropic
	}
	return ""
}

// version is a model's version as a number to compare: 306 for 3.6.
type version int

// newest is the version of a name without one, such as gemini-flash-latest.
const newest version = 1 << 30

// dated is the end of a name that tells the day of a snapshot, and what
// clouds put after it.
var dated = regexp.MustCompile(`(-\d{8}|-\d{4}-\d{2}-\d{2})?(-v\d+(:\d+)?)?$`)

// parseName returns a model's name in lower case, without a path before it
// (models/, publishers/google/models/, openai/), the regions and vendor of
// Bedrock, the mark of a fine-tuned model and the date of a snapshot; and its
// version.
func parseName(model string) (string, version) {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	if tuned, ok := strings.CutPrefix(name, "ft:"); ok {
		name, _, _ = strings.Cut(tuned, ":")
	}
	if _, after, ok := strings.Cut(name, "anthropic."); ok {
		name = after
	}
	name, _, _ = strings.Cut(name, "@")
	if strings.HasPrefix(name, "claude-") {
		name, _, _ = strings.Cut(name, ":") // OpenRouter's :thinking
		name = strings.ReplaceAll(name, ".", "-")
	}
	if end := len(name) - 1; end > 0 && name[end] >= '0' && name[end] <= '9' {
		if at := dated.FindStringIndex(name); at != nil {
			name = name[:at[0]]
		}
	}
	return name, versionOf(name)
}

// versionOf returns the first number of name, such as 3.6 in gemini-3.6-flash.
// Claude's have a dash instead of the point.
func versionOf(name string) version {
	start := strings.IndexAny(name, "0123456789")
	if start < 0 {
		return newest
	}
	major, rest := digits(name[start:])
	if major < 0 {
		return newest
	}
	v := version(major) * 100
	if rest != "" && (rest[0] == '.' || rest[0] == '-' && strings.HasPrefix(name, "claude-")) {
		if minor, rest := digits(rest[1:]); minor >= 0 && (rest == "" || rest[0] == '-') {
			v += version(minor)
		}
	}
	return v
}

// digits returns the number of at most two digits that s begins with, and what
// follows it; -1 if there is none.
func digits(s string) (n int, rest string) {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		n = n*10 + int(s[end]-'0')
		end++
		if end > 2 {
			return -1, s
		}
	}
	if end == 0 {
		return -1, s
	}
	return n, s[end:]
}
