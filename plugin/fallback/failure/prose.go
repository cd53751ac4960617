package failure

import "strings"

// prose is lower-case text in which many phrases are looked up. It keeps the set of its bigrams: a text can have a phrase
// only if it has all bigrams of the phrase. Most phrases are not there, and such a miss costs two nanoseconds.
type prose struct {
	s string
	g bigrams
}

// phrase is a text to look up, with its bigrams.
type phrase struct {
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

// phrasesOf returns the phrases of a table. "a…b" is a phrase of two parts: a, followed by b in the same sentence. It is not
// inlined, because that would add 12 KB of code to the tables.
//
//go:noinline
func phrasesOf(list ...string) []phrase {
	all := make([]phrase, len(list))
	for i, s := range list {
		p := &all[i]
		p.s, p.then, _ = strings.Cut(s, "…")
		p.g.add(p.s)
		p.g.add(p.then)
	}
	return all
}

func proseOf(lower string) prose {
	t := prose{s: lower}
	t.g.add(lower)
	return t
}

// has reports whether p is in t.
func (t *prose) has(p *phrase) bool {
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

// hasAny reports whether one of the phrases is in t.
func (t *prose) hasAny(list []phrase) bool {
	for i := range list {
		if list[i].g[0]&^t.g[0] == 0 && t.has(&list[i]) { // a quarter of the set excludes nearly all phrases
			return true
		}
	}
	return false
}

// hasWord reports whether one of the phrases is in t as a word, with no letter or digit next to it.
func (t *prose) hasWord(list []phrase) bool {
	for i := range list {
		if !t.has(&list[i]) {
			continue
		}
		for at := 0; ; {
			n := strings.Index(t.s[at:], list[i].s)
			if n < 0 {
				break
			}
			start, end := at+n, at+n+len(list[i].s)
			if (start == 0 || !alphanumeric(t.s[start-1])) && (end == len(t.s) || !alphanumeric(t.s[end])) {
				return true
			}
			at = end
		}
	}
	return false
}

func alphanumeric(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' }
