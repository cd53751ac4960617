// Package clip shortens texts for records, at the end of a word and with a mark, so
// that a reader sees that something is missing.
package clip

import (
	"strings"
	"unicode/utf8"
)

// mark ends a text that was shortened.
const mark = "…"

// longestWord is how far Words goes back for the end of a word, in bytes: what is
// longer is no word, and is cut in the middle.
const longestWord = 40

// Words returns s if it has at most max bytes, else its beginning up to the end of a
// word and an ellipsis, together at most max bytes. A max too small for the
// ellipsis gives "".
func Words(s string, max int) string {
	if len(s) <= max {
		return s
	}
	end := max - len(mark)
	if end < 0 {
		return ""
	}
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	if s[end] != ' ' {
		if space := strings.LastIndexByte(s[:end], ' '); space > 0 && end-space <= longestWord {
			end = space
		}
	}
	return strings.TrimRight(s[:end], " ,;:.") + mark
}
