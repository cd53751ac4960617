// Package modelname reads the name of a model as APIs and servers write it: its family,
// such as gemini-flash, and its version.
//
// It knows how vendors write names, and nothing of what their models accept: that belongs
// in the tables of package provider.
package modelname

import "strings"

// Version is a model's version as a number to compare: 306 for 3.6. It is 1 << 30 for
// a name without one, such as gemini-flash-latest, so that it counts as the newest.
type Version int

const newest Version = 1 << 30

// Parse returns a model's name in lower case, without a path before it
// (models/, publishers/google/models/, openai/), the regions and vendor of
// Bedrock, the mark of a fine-tuned model and the date of a snapshot; and its
// version.
func Parse(model string) (string, Version) {
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
	name = undated(name)
	return name, versionOf(name)
}

// undated returns name without the day of a snapshot, such as -20250514 or
// -2025-05-14, and what Bedrock puts after it, such as -v1:0.
func undated(name string) string {
	if i := strings.LastIndex(name, "-v"); i > 0 && strings.Trim(name[i+2:], "0123456789:") == "" {
		name = name[:i]
	}
	for _, shape := range []string{"-dddddddd", "-dddd-dd-dd"} {
		if start := len(name) - len(shape); start > 0 && hasShape(name[start:], shape) {
			return name[:start]
		}
	}
	return name
}

// hasShape tells whether s has a digit where shape, of the same length, has a d,
// and else is shape.
func hasShape(s, shape string) bool {
	for i := range len(s) {
		isDigit := s[i] >= '0' && s[i] <= '9'
		if shape[i] == 'd' && !isDigit || shape[i] != 'd' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

// versionOf returns the first number of name, such as 3.6 in gemini-3.6-flash.
// Claude's have a dash instead of the point.
func versionOf(name string) Version {
	start := strings.IndexAny(name, "0123456789")
	if start < 0 {
		return newest
	}
	major, rest := digits(name[start:])
	if major < 0 {
		return newest
	}
	v := Version(major) * 100
	if rest != "" && (rest[0] == '.' || rest[0] == '-' && strings.HasPrefix(name, "claude-")) {
		if minor, rest := digits(rest[1:]); minor >= 0 && (rest == "" || rest[0] == '-') {
			v += Version(minor)
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
