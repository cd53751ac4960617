package redact

import "strings"

// Secret reports whether value is a secret because of the field, parameter or key of an object that holds it:
// {"password": "hunter2"}, {"api_key": "…"}. "key" alone names much else, so a value of that must look like a key. Values such
// as "required" or "null" are none. What value itself shows is for Text and Spans.
func Secret(field, value string) bool {
	field = strings.TrimRight(field, " \t:=")
	if value == "" || isPlaceholder(value) || isPath(field, 0, value) {
		return false
	}
	switch kindOf(field, 0, len(field)) {
	case password, key:
		return true
	case noun, scheme, basic:
		return looksSecret(value) || len(value) >= minValue && !hasFoldSuffix(field, "key") && !hasFoldSuffix(field, "provided")
	}
	return false
}
