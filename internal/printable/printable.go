// Package printable makes texts from outside safe to show: on one line of a terminal, in a log, or on a page.
// A page must escape them as HTML too.
package printable

import (
	"strings"
	"unicode"

	"github.com/adk-fallback/adk-fallback/internal/clip"
)

// Line returns s on one line, in at most max bytes; a longer s ends with an ellipsis at the end of a word, as
// [clip.Words] cuts. Each run of white space, line breaks included, becomes one space, and none is left at either end.
// What does not print becomes U+FFFD: control characters (and so the escape sequences of a terminal lose their effect),
// bidirectional and other format characters, private and unassigned code points, and bytes that are not UTF-8.
//
// It reads no more of s than it needs, and does not redact. Line(Line(s, n), n) == Line(s, n).
func Line(s string, max int) string {
	if len(s) <= max && isPlain(s) {
		return s
	}
	var b strings.Builder
	blank := false // before the next character
	for _, r := range s {
		if unicode.IsSpace(r) {
			blank = b.Len() > 0
			continue
		}
		if b.Len() > max {
			break
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		if !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return clip.Words(b.String(), max)
}

// isPlain reports whether s has only printable ASCII characters but spaces, as most names
// do: then it needs no copy.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
