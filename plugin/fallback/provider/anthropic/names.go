package anthropic

import (
	"strconv"
	"strings"

	"google.golang.org/genai"
)

// maxName is the longest name of a tool.
const maxName = 64

// names maps the names of functions to those that the API takes, which match
// ^[a-zA-Z0-9_-]{1,64}$, and back. The zero value maps each name to itself.
type names struct {
	out  map[string]string // nil while every name is fine
	back map[string]string
}

// newNames maps the names that the request has, declared or called. The same
// request gives the same names.
func newNames(tools []*genai.Tool, contents []*genai.Content) names {
	var n names
	var odd []string
	fine := func(name string) {
		if !isName(name) {
			odd = append(odd, name)
		}
	}
	eachName(tools, contents, fine)
	if len(odd) == 0 {
		return n
	}
	n.out, n.back = map[string]string{}, map[string]string{}
	// Names that are fine stay as they are, so they are taken first.
	eachName(tools, contents, func(name string) {
		if isName(name) {
			n.out[name], n.back[name] = name, name
		}
	})
	for _, name := range odd {
		n.add(name)
	}
	return n
}

func eachName(tools []*genai.Tool, contents []*genai.Content, visit func(string)) {
	for _, tool := range tools {
		if tool == nil {
			continue
		}
		for _, declaration := range tool.FunctionDeclarations {
			if declaration != nil {
				visit(declaration.Name)
			}
		}
	}
	for _, content := range contents {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if part != nil && part.FunctionCall != nil {
				visit(part.FunctionCall.Name)
			}
		}
	}
}

// add gives name one of its own that is fine.
func (n *names) add(name string) {
	if _, known := n.out[name]; known {
		return
	}
	plain := strings.Map(func(r rune) rune {
		if r < 0x80 && isNameByte(byte(r)) {
			return r
		}
		return '_'
	}, name)
	if plain == "" {
		plain = "_"
	}
	fine := plain[:min(len(plain), maxName)]
	for i := 2; taken(n.back, fine); i++ {
		suffix := "_" + strconv.Itoa(i)
		fine = plain[:min(len(plain), maxName-len(suffix))] + suffix
	}
	n.out[name], n.back[fine] = fine, name
}

// wire returns the API's name for name.
func (n *names) wire(name string) string {
	if fine, ok := n.out[name]; ok {
		return fine
	}
	return name
}

// original returns the name that the API knows as name.
func (n *names) original(name string) string {
	if own, ok := n.back[name]; ok {
		return own
	}
	return name
}

func isName(s string) bool { return len(s) <= maxName && isWord(s) }

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

func taken(m map[string]string, key string) bool {
	_, ok := m[key]
	return ok
}
