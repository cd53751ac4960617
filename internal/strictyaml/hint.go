package strictyaml

import (
	"cmp"
	"maps"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

// Hints is advice on what people write by mistake, such as keys of other programs. It is by place,
// then by word.
//
// A place is the path of a section or value, such as models.*.provider. It has * for each name of a
// mapping and [] for each entry of a list. The place "" is the top level of the file. The advice at
// the place * applies to every section.
//
// A word is an unknown key of a section, or a value that is not allowed. The words "a list" and
// "a mapping" are for values of these kinds. Words are in lower case without - and _, so that
// api_key, apiKey and API-KEY are one word. The word * is for every other scalar, unless it
// misspells one that is allowed.
type Hints map[string]map[string]string

// of returns the advice on a word at a place, "" if there is none.
func (h Hints) of(place, word string) string {
	return h[place][strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(word))]
}

// unknownKey returns the message about the unknown key p in a section of the shape s: with the advice
// on it, the known key that it misspells, or the sections that have that key.
func (d *decoder) unknownKey(s *shape, p pair) string {
	key := p.key.Value
	message := "unknown key " + Quoted(key)
	if len(d.out.Problems) >= MaxProblems {
		return message
	}
	for _, place := range []string{s.place, "*"} {
		if advice := d.format.hints.of(place, key); advice != "" {
			return message + "; " + advice
		}
	}
	// A key of the top level within a section usually has the wrong indentation.
	if f, ok := d.format.root.section.field(key); ok && f.shape.fits(p.value) {
		return message + "; it belongs at the top level of the file"
	}
	if near := nearest.DidYouMean(key, s.section.keys); near != "" {
		return message + near + "; the keys are " + s.section.allowed
	}
	if places := d.format.placesOf(key); len(places) > 0 && len(places) <= 3 {
		message += "; it is a key of " + OneOf(places)
		if s.place == "" {
			return message
		}
	}
	return message + "; the keys are " + s.section.allowed
}

// fits reports whether n is of the kind that s has: a scalar, a list or a mapping.
func (s *shape) fits(n *yaml.Node) bool {
	n = resolved(n)
	switch {
	case s.scalar != nil:
		return n.Kind == yaml.ScalarNode
	case s.elem != nil && s.keys == nil:
		return n.Kind == yaml.SequenceNode
	}
	return n.Kind == yaml.MappingNode
}

// placesOf returns the places of the sections that have a key, for messages.
func (f *Format) placesOf(key string) []string {
	var places []string
	f.each(func(s *shape) {
		if s.section == nil {
			return
		}
		if _, ok := s.section.field(key); ok {
			places = append(places, cmp.Or(strings.ReplaceAll(s.place, "*", "NAME"), "the top level of the file"))
		}
	})
	return places
}

// checkHints panics if a hint is about a place that the format does not have.
func (f *Format) checkHints() {
	left := maps.Clone(f.hints)
	delete(left, "*")
	f.each(func(s *shape) { delete(left, s.place) })
	for place := range left {
		panic("strictyaml: the format has no place " + place + ", which hints are for")
	}
}

// refused returns the end of the message about n, which is not allowed at a place: advice, or the
// choice that n misspells.
func (d *decoder) refused(place string, n *yaml.Node, choices []string) string {
	word := n.Value
	switch {
	case len(d.out.Problems) >= MaxProblems:
		return ""
	case n.Kind != yaml.ScalarNode:
		word = describe(n)
	case n.Tag != "!!str":
		return ""
	}
	if advice := d.format.hints.of(place, word); advice != "" {
		return "; " + advice
	}
	if near := nearest.DidYouMean(word, choices); near != "" {
		return near
	}
	if rest := d.format.hints[place]["*"]; rest != "" && n.Kind == yaml.ScalarNode {
		return "; " + rest
	}
	return ""
}
