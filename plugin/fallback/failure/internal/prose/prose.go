// Package prose reads the text of an error that was written for people: it looks up phrases, finds the HTTP status, and
// removes what is only quoted. It does not judge what it finds.
//
//	text := prose.Of("rate limit reached. try again in 20s")
//	text.HasAny(prose.Phrases("rate limit", "too many…requests"))
//	text.HasAny(prose.Words("tpm"))
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
	edge edge
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

// Phrases returns the phrases of a table. "a…b" is a phrase of two parts: a, followed by b in the same sentence. A
// phrase of several words begins at the start of a word ("over…budget" is not in "however, the budget"), unless its
// first word ends names ("token…exceed" is in "maxtokens exceeds"). A single word may be a part of a longer one
// ("timeout" in "readtimeout"). Every phrase may go on ("image input" in "image inputs").
//
// It is not inlined, because that would add 12 KB of code to the tables.
//
//go:noinline
func Phrases(list ...string) []Phrase {
	all := make([]Phrase, len(list))
	for i, s := range list {
		p := &all[i]
		p.s, p.then, _ = strings.Cut(s, "…")
		p.g.add(p.s)
		p.g.add(p.then)
		if p.then != "" || strings.Contains(p.s, " ") {
			p.edge = start
		}
	}
	return all
}

// Words returns phrases of one part that match whole words only.
func Words(list ...string) []Phrase {
	all := Phrases(list...)
	for i := range all {
		all[i].edge = whole
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

// Contains reports whether t has the bytes of p, a phrase of one part, wherever they are.
func (t *Text) Contains(p *Phrase) bool { return t.mayHave(p) && strings.Contains(t.s, p.s) }

func (t *Text) mayHave(p *Phrase) bool {
	return p.g[0]&^t.g[0]|p.g[1]&^t.g[1]|p.g[2]&^t.g[2]|p.g[3]&^t.g[3] == 0
}

// After returns what follows each occurrence of a phrase of one part in t.
func (t *Text) After(p *Phrase) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !t.Contains(p) {
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
		if list[i].g[0]&^t.g[0] == 0 && t.mayHave(&list[i]) && t.has(&list[i]) { // a quarter of the set excludes nearly all phrases
			return true
		}
	}
	return false
}

func (t *Text) has(p *Phrase) bool {
	for at := 0; ; {
		n := p.edge.index(t.s[at:], p.s)
		if n < 0 {
			return false
		}
		at += n + len(p.s)
		if p.then == "" {
			return true
		}
		sentence, _, _ := strings.Cut(t.s[at:min(len(t.s), at+reach)], ". ")
		if p.edge.index(sentence, p.then) >= 0 {
			return true
		}
	}
}
