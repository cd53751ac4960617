// Package prose reads the text of an error that was written for people: it looks up phrases, finds the HTTP status, and
// removes what is only quoted. It does not judge what it finds.
//
//	text := prose.Of("rate limit reached. try again in 20s")
//	text.HasAny(prose.Phrases("rate limit", "too many…requests"))
package prose

import (
	"iter"
	"strings"
)

// Text is lower-case text in which many phrases are looked up. It keeps the set of its bigrams: a text can have a phrase
// only if it has all bigrams of the phrase. Most phrases are not there, and such a miss costs two nanoseconds. The zero Text
// is empty.
type Text struct {
	s string
	g bigrams
}

// Phrase is a text to look up, with its bigrams.
type Phrase struct {
	g    bigrams
	s    string
	then string // must follow in the same sentence, within reach bytes; "" if nothing has to follow
}

// reach is how far apart the two parts of a phrase may be, in bytes: enough for the name of a model and some words.
const reach = 80

// bigrams is a set of pairs of neighbouring bytes, hashed to 256 bits.
type bigrams [4]uint64

func (g *bigrams) add(s string) {
	for i := 1; i < len(s); i++ {
		h := s[i-1]*37 + s[i]
		g[h>>6] |= 1 << (h & 63)
	}
}

// Phrases returns the phrases of a table. "a…b" is a phrase of two parts: a, followed by b in the same sentence. It is not
// inlined, because that would add 12 KB of code to the tables.
//
//go:noinline
func Phrases(list ...string) []Phrase {
	all := make([]Phrase, len(list))
	for i, s := range list {
		p := &all[i]
		p.s, p.then, _ = strings.Cut(s, "…")
		p.g.add(p.s)
		p.g.add(p.then)
	}
	return all
}

// String returns the phrase as [Phrases] takes it.
func (p *Phrase) String() string {
	if p.then == "" {
		return p.s
	}
	return p.s + "…" + p.then
}

// Of returns a text to look up phrases in, which must be in lower case.
func Of(lower string) Text {
	t := Text{s: lower}
	t.g.add(lower)
	return t
}

// String returns the text.
func (t *Text) String() string { return t.s }

// Has reports whether p is in t.
func (t *Text) Has(p *Phrase) bool {
	if p.g[0]&^t.g[0]|p.g[1]&^t.g[1]|p.g[2]&^t.g[2]|p.g[3]&^t.g[3] != 0 {
		return false
	}
	for rest := t.s; ; {
		_, after, found := strings.Cut(rest, p.s)
		if !found || p.then == "" {
			return found
		}
		sentence, _, _ := strings.Cut(after[:min(len(after), reach)], ". ")
		if strings.Contains(sentence, p.then) {
			return true
		}
		rest = after
	}
}

// After returns what follows each occurrence of a phrase of one part in t.
func (t *Text) After(p *Phrase) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !t.Has(p) {
			return
		}
		for rest := t.s; ; {
			_, after, found := strings.Cut(rest, p.s)
			if !found || !yield(after) {
				return
			}
			rest = after
		}
	}
}

// HasAny reports whether one of the phrases is in t.
func (t *Text) HasAny(list []Phrase) bool {
	for i := range list {
		if list[i].g[0]&^t.g[0] == 0 && t.Has(&list[i]) { // a quarter of the set excludes nearly all phrases
			return true
		}
	}
	return false
}

// HasWord reports whether one of the phrases is in t as a word, with no letter or digit next to it.
func (t *Text) HasWord(list []Phrase) bool {
	for i := range list {
		if !t.Has(&list[i]) {
			continue
		}
		for at := 0; ; {
			n := strings.Index(t.s[at:], list[i].s)
			if n < 0 {
				break
			}
			start, end := at+n, at+n+len(list[i].s)
			if (start == 0 || !isAlphanumeric(t.s[start-1])) && (end == len(t.s) || !isAlphanumeric(t.s[end])) {
				return true
			}
			at = end
		}
	}
	return false
}

// IsLetter reports whether c is a letter of ASCII.
func IsLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isAlphanumeric(c byte) bool { return IsLetter(c) || c >= '0' && c <= '9' }
