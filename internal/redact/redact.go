package redact

import (
	"unicode"
	"unicode/utf8"
)

// placeholder stands for everything removed. No form matches it, so that Text is idempotent.
const placeholder = "[redacted]"

// Text returns s without API keys, tokens, private keys, passwords, e-mail, IPv6 and hardware addresses, project ids and numbers,
// consumer names and organisation ids, and without whatever else looks like a key or a UUID, each replaced by "[redacted]";
// format characters (Unicode Cf: zero-width and bidirectional marks) are removed, control characters become spaces and
// invalid UTF-8 becomes U+FFFD. The result is at most max bytes long, cut on a rune boundary; max ≤ 0 gives "".
//
// It reads no more of s than max bytes of output need (plus the secret that straddles the end, and all of s once it meets a
// format character), so a huge s costs no more than a short one, and it does not allocate when there is nothing to
// change. Text(Text(s, n), n) == Text(s, n). Safe for concurrent use.
func Text(s string, max int) string {
	for range passes {
		clean := once(s, max)
		if clean == s {
			break
		}
		s = clean // what the cut or a replacement leaves may look like a secret
	}
	return s
}

// passes bounds how often Text reads what it returns. Two are the rule where something changes.
const passes = 16

func once(s string, max int) string {
	w := writer{src: s, max: max}
	sc := scanner{s: s, limit: max}
	for {
		switch found, start, stop := sc.next(); found {
		case end:
			return w.result()
		case secret:
			w.replace(start, stop, placeholder)
		case control:
			w.replace(start, stop, " ")
		case invalid:
			w.replace(start, stop, "\uFFFD")
		case format:
			return once(s[:start]+withoutFormat(s[start:]), max) // what it splits must be seen whole
		}
		if len(w.out) > max {
			return w.result()
		}
		sc.limit = w.flushed + max - len(w.out)
	}
}

// Span is a half-open range of byte offsets.
type Span struct{ Start, End int }

// Spans returns the places of what Text would replace by "[redacted]" in all of s, in order and apart from one another. It is for callers that
// must keep the rest of s byte for byte. A format character may hide a secret: remove them first.
func Spans(s string) []Span {
	var spans []Span
	sc := scanner{s: s, limit: len(s)}
	for {
		switch found, start, stop := sc.next(); found {
		case end:
			return spans
		case secret:
			spans = append(spans, Span{start, stop})
		}
	}
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

// writer copies src with replacements, and copies nothing as long as nothing was replaced.
type writer struct {
	src     string
	max     int
	out     []byte
	flushed int // src[:flushed] is in out
}

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
