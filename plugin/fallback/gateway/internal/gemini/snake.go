package gemini

import (
	"bytes"
	"strings"
)

// hasSnakeKeys reports whether a key of JSON in data has an underscore.
func hasSnakeKeys(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '"' {
			continue
		}
		start := i + 1
		for i = start; i < len(data) && data[i] != '"'; i++ {
			if data[i] == '\\' {
				i++
			}
		}
		if i >= len(data) {
			return false
		}
		after := bytes.TrimLeft(data[i+1:min(i+64, len(data))], " \t\r\n")
		if len(after) > 0 && after[0] == ':' && bytes.IndexByte(data[start:i], '_') >= 0 {
			return true
		}
	}
	return false
}

// camelOf returns a name in camelCase. A name that begins with an underscore is not changed.
func camelOf(name string) string {
	if strings.HasPrefix(name, "_") || !strings.Contains(name, "_") {
		return name
	}
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}
