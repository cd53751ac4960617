package request

import (
	"iter"
	"slices"
	"strconv"

	"google.golang.org/genai"
)

// NameRule says which function names an API takes.
type NameRule struct {
	Max   int               // the most bytes
	Start func(c byte) bool // what a name may begin with; nil for what it may hold
	Byte  func(c byte) bool // what it may hold
}

// Takes reports whether the API takes name.
func (r *NameRule) Takes(name string) bool {
	if name == "" || len(name) > r.Max || !r.start(name[0]) {
		return false
	}
	for i := range len(name) {
		if !r.Byte(name[i]) {
			return false
		}
	}
	return true
}

func (r *NameRule) start(c byte) bool {
	if r.Start == nil {
		return r.Byte(c)
	}
	return r.Start(c)
}

// Names maps names of functions to those that an API takes, and back. The zero
// value maps each name to itself. It is read only, so safe for concurrent use.
type Names struct {
	out  map[string]string // nil while the API takes every name
	back map[string]string
}

// NamesFor maps the names that a request declares or calls. The same request
// gives the same names, and no two names become one.
func NamesFor(rule *NameRule, tools []*genai.Tool, contents []*genai.Content) Names {
	return NamesOf(rule, eachName(tools, contents))
}

// NamesOf maps names as [NamesFor] does. They may repeat.
func NamesOf(rule *NameRule, names iter.Seq[string]) Names {
	var odd []string
	var seen map[string]bool
	for name := range names {
		if !rule.Takes(name) && !seen[name] {
			if seen == nil {
				seen = map[string]bool{}
			}
			seen[name] = true
			odd = append(odd, name)
		}
	}
	if len(odd) == 0 {
		return Names{}
	}
	n := Names{out: map[string]string{}, back: map[string]string{}}
	// Names that can stay are given first.
	for name := range names {
		if rule.Takes(name) {
			n.back[name] = name
		}
	}
	next := map[string]int{}
	for _, name := range odd {
		n.add(rule, name, next)
	}
	return n
}

// SetOf returns names as a set. A client may declare thousands of functions and allow thousands, so a
// list of them is not searched for each.
func SetOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// eachName yields the names that are declared or called.
func eachName(tools []*genai.Tool, contents []*genai.Content) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, tool := range tools {
			if tool == nil {
				continue
			}
			for _, declaration := range tool.FunctionDeclarations {
				if declaration != nil && !yield(declaration.Name) {
					return
				}
			}
		}
		for _, content := range contents {
			if content == nil {
				continue
			}
			for _, part := range content.Parts {
				if part != nil && part.FunctionCall != nil && !yield(part.FunctionCall.Name) {
					return
				}
			}
		}
	}
}

// add gives name one that the API takes and no other name has. Names that would become the same get
// numbers; next has the next number for each.
func (n *Names) add(rule *NameRule, name string, next map[string]int) {
	plain := []byte(name)
	for i, c := range plain {
		if !rule.Byte(c) {
			plain[i] = '_'
		}
	}
	if len(plain) == 0 || !rule.start(plain[0]) {
		plain = slices.Insert(plain, 0, '_')
	}
	first := string(plain[:min(len(plain), rule.Max)])
	own, i := first, max(next[first], 2)
	for ; n.has(own); i++ {
		suffix := "_" + strconv.Itoa(i)
		own = string(plain[:min(len(plain), rule.Max-len(suffix))]) + suffix
	}
	next[first] = i
	n.out[name], n.back[own] = own, name
}

func (n *Names) has(wire string) bool {
	_, taken := n.back[wire]
	return taken
}

// Wire returns the API's name for name.
func (n *Names) Wire(name string) string {
	if own, ok := n.out[name]; ok {
		return own
	}
	return name
}

// Original returns the name that was mapped to name.
func (n *Names) Original(name string) string {
	if own, ok := n.back[name]; ok {
		return own
	}
	return name
}

// AllPlain reports whether every name is mapped to itself.
func (n *Names) AllPlain() bool { return n.out == nil }
