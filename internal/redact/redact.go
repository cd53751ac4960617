package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// placeholder stands for everything removed. No rule matches it, so that Text is idempotent.
const placeholder = "[redacted]"

// Text returns s without API keys, bearer tokens, JSON web tokens, e-mail addresses, project ids and numbers, consumer
// names and organisation ids, each replaced by "[redacted]"; control characters become spaces and invalid UTF-8 becomes
// U+FFFD. The result is at most max bytes long, cut on a rune boundary; max ≤ 0 gives "".
//
// It reads no more of s than max bytes of output need (plus the secret that straddles the end), so a huge s costs no
// more than a short one, and it does not allocate when there is nothing to change. Text(Text(s, n), n) == Text(s, n).
// Safe for concurrent use.
func Text(s string, max int) string {
	w := writer{src: s, max: max}
	var prev span
	for i := 0; i < len(s) && !w.full(i); {
		c := s[i]
		switch {
		case class[c]&wordByte != 0:
			word := span{i, endOf(s, i, wordByte)}
			end := secretEnd(s, prev, word)
			if end > word.start {
				w.replace(word.start, end, placeholder)
				word.end = end
			}
			prev, i = word, word.end
		case c == '\'' || c == '"':
			if end := consumerEnd(s, prev, i); end > i {
				w.replace(i+1, end, placeholder)
				i = end
				continue
			}
			i++
		case c < utf8.RuneSelf:
			if c < ' ' || c == 0x7f {
				w.replace(i, i+1, " ")
			}
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				w.replace(i, i+1, "\uFFFD")
			case unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control):
				w.replace(i, i+n, " ")
			}
			i += n
		}
	}
	return w.result()
}

// span is a half-open range of byte offsets.
type span struct{ start, end int }

// writer copies src with replacements, and copies nothing as long as nothing was replaced.
type writer struct {
	src     string
	max     int
	out     []byte
	flushed int // src[:flushed] is in out
}

// full reports whether what was read up to i fills the result.
func (w *writer) full(i int) bool { return len(w.out)+i-w.flushed > w.max }

func (w *writer) replace(start, end int, with string) {
	w.out = append(append(w.out, w.src[w.flushed:start]...), with...)
	w.flushed = end
}

func (w *writer) result() string {
	if w.flushed == 0 {
		return cut(w.src, w.max)
	}
	if room := w.max - len(w.out); room > 0 {
		w.out = append(w.out, cut(w.src[w.flushed:], room)...)
	}
	return cut(string(w.out), w.max)
}

// cut shortens s to at most max bytes without splitting a rune.
func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	if max <= 0 {
		return ""
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

// Byte classes. A word is what keys, ids and local parts of addresses are made of; a value may also hold base64's
// and URL-escaping's further bytes.
const (
	wordByte = 1 << iota
	valueByte
	domainByte
)

var class = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		switch {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '-', b == '.':
			t[c] = wordByte | valueByte | domainByte
		case strings.IndexByte("_+*%", b) >= 0:
			t[c] = wordByte | valueByte
		case strings.IndexByte("/=~", b) >= 0:
			t[c] = valueByte
		}
	}
	return t
}()

func endOf(s string, i int, mask uint8) int {
	for i < len(s) && class[s[i]]&mask != 0 {
		i++
	}
	return i
}
