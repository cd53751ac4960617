package redact

import (
	"unicode"
	"unicode/utf8"
)

// placeholder stands for everything removed. No rule matches it, so that Text is idempotent.
const placeholder = "[redacted]"

// Text returns s without API keys, tokens, private keys, passwords in URLs, e-mail addresses, project ids and numbers,
// consumer names and organisation ids, and without whatever else looks like a key or a UUID, each replaced by "[redacted]";
// format characters (Unicode Cf: zero-width and bidirectional marks) are removed, control characters become spaces and
// invalid UTF-8 becomes U+FFFD. The result is at most max bytes long, cut on a rune boundary; max ≤ 0 gives "".
//
// It reads no more of s than max bytes of output need (plus the secret that straddles the end, and all of s once it meets a
// format character), so a huge s costs no more than a short one, and it does not allocate when there is nothing to
// change. Text(Text(s, n), n) == Text(s, n). Safe for concurrent use.
func Text(s string, max int) string {
	w := writer{src: s, max: max}
	var prev span
	for i := 0; i < len(s) && !w.full(i); {
		c := s[i]
		if class[c]&wordByte != 0 || c >= utf8.RuneSelf && letter(s[i:]) > 0 {
			word, seen := wordAt(s, i)
			if end := secretEnd(s, prev, word, seen); end > i {
				w.replace(i, end, placeholder)
				word.end = end
			}
			prev, i = word, word.end
			continue
		}
		switch {
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
			case unicode.Is(unicode.Cf, r):
				return Text(s[:i]+withoutFormat(s[i:]), max) // what it splits must be seen whole
			case blank(r):
				w.replace(i, i+n, " ")
			}
			i += n
		}
	}
	return w.result()
}

// withoutFormat returns s without format characters.
func withoutFormat(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		n := 1
		if s[i] >= utf8.RuneSelf {
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); unicode.Is(unicode.Cf, r) {
				i += n
				continue
			}
		}
		b = append(b, s[i:i+n]...)
		i += n
	}
	return string(b)
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
