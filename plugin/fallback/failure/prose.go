package failure

import "strings"

// prose is lower-case text that many phrases are looked up in. Most of them are not there, so it keeps the set of its
// bigrams: a phrase can only be in the text when all of its own are. That makes a miss cost two nanoseconds.
type prose struct {
	s string
	g bigrams
}

// phrase is a text to look up, with its bigrams.
type phrase struct {
	s string
	g bigrams
}

// bigrams is a set of pairs of neighbouring bytes, hashed to 256 bits.
type bigrams [4]uint64

func bigramsOf(s string) (g bigrams) {
	for i := 1; i < len(s); i++ {
		h := s[i-1]*37 + s[i]
		g[h>>6] |= 1 << (h & 63)
	}
	return g
}

// phrasesOf returns the phrases of a table. Inlined into each of the tables it would be 12 KB of code.
//
//go:noinline
func phrasesOf(list ...string) []phrase {
	all := make([]phrase, len(list))
	for i, s := range list {
		all[i] = phrase{s, bigramsOf(s)}
	}
	return all
}

func proseOf(lower string) prose { return prose{lower, bigramsOf(lower)} }

// has reports whether p is in t.
func (t *prose) has(p *phrase) bool {
	return p.g[0]&^t.g[0]|p.g[1]&^t.g[1]|p.g[2]&^t.g[2]|p.g[3]&^t.g[3] == 0 && strings.Contains(t.s, p.s)
}

// hasAny reports whether one of the phrases is in t.
func (t *prose) hasAny(list []phrase) bool {
	for i := range list {
		if t.has(&list[i]) {
			return true
		}
	}
	return false
}
