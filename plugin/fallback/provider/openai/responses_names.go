package openai

import (
	"hash/fnv"
	"strconv"

	"google.golang.org/genai"
)

// maxNameLength bounds the name of a function, and maxCallID the id of a call.
// https://github.com/openai/openai-openapi; both of [a-zA-Z0-9_-] only.
const (
	maxNameLength = 64
	maxCallID     = 64
)

// wireNames tells the names of functions by those that the API takes, where the
// two differ. It may be nil.
type wireNames map[string]string

// original returns the name of the function that the model calls name.
func (w wireNames) original(name string) string {
	if original, ok := w[name]; ok {
		return original
	}
	return name
}

// wire returns the name for the API, and remembers which one it stands for.
func (w *wireNames) wire(name string) string {
	allowed := allowedID(name, maxNameLength)
	if allowed != name {
		if *w == nil {
			*w = wireNames{}
		}
		(*w)[allowed] = name
	}
	return allowed
}

// wireCallID is the id rule for [request.Pair].
func wireCallID(id string, _ int) string { return allowedID(id, maxCallID) }

// allowedID returns s if it has only letters, digits, "_" and "-", and at most
// limit of them. Otherwise it returns a text that has, and that differs for
// different s.
func allowedID(s string, limit int) string {
	ok := len(s) <= limit
	for i := 0; i < len(s) && ok; i++ {
		ok = isAllowed(s[i])
	}
	if ok {
		return s
	}
	const suffix = 1 + 8
	b := make([]byte, 0, limit)
	for i := 0; i < len(s) && len(b) < limit-suffix; i++ {
		if c := s[i]; isAllowed(c) {
			b = append(b, c)
		} else {
			b = append(b, '_')
		}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	b = append(b, '_')
	return string(strconv.AppendUint(b, uint64(h.Sum32()), 36))
}

func isAllowed(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// ownWords returns the index of the user's last own words in contents: what
// follows is the current turn. The results of tools have the user's role too, but
// are not the user's words, nor is media that was moved from them to the content
// after them.
func ownWords(contents []*genai.Content) int {
	for i := len(contents) - 1; i >= 0; i-- {
		c := contents[i]
		if c == nil || c.Role == genai.RoleModel || hasResponse(c) {
			continue
		}
		if i > 0 && contents[i-1] != nil && hasResponse(contents[i-1]) && !hasText(c) {
			continue
		}
		return i
	}
	return -1
}

func hasText(c *genai.Content) bool {
	for _, part := range c.Parts {
		if part != nil && part.Text != "" {
			return true
		}
	}
	return false
}

func hasResponse(c *genai.Content) bool {
	for _, part := range c.Parts {
		if part != nil && part.FunctionResponse != nil {
			return true
		}
	}
	return false
}
