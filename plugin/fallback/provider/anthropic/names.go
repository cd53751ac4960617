package anthropic

import "github.com/adk-fallback/adk-fallback/internal/request"

// toolNames: ^[a-zA-Z0-9_-]{1,64}$
// (platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools).
var toolNames = request.NameRule{Max: 64, Byte: isNameByte}

// isWord tells whether s matches ^[a-zA-Z0-9_-]+$.
func isWord(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// toolID returns id in the form that the API takes, which matches
// ^[a-zA-Z0-9_-]+$.
func toolID(id string, _ int) string {
	if isWord(id) || id == "" {
		return id
	}
	fine := []byte(id)
	for i, c := range fine {
		if !isNameByte(c) {
			fine[i] = '_'
		}
	}
	return string(fine)
}
