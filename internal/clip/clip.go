// Package clip cuts texts between words and marks the cut, so that a reader sees that
// something is missing.
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

// End returns s if it has at most max bytes, else an ellipsis and the end of s from the
// beginning of a word on, together at most max bytes. A max too small for the ellipsis
// gives "".
func End(s string, max int) string {
	if len(s) <= max {
		return s
	}
	start := len(s) - max + len(mark)
	if start > len(s) {
		return ""
	}
	for start < len(s) && !utf8.RuneStart(s[start]) {
		start++
	}
	if s[start-1] != ' ' && s[start-1] != '\n' {
		if space := strings.IndexAny(s[start:], " \n"); space >= 0 && space <= longestWord {
			start += space
		}
	}
	return mark + strings.TrimLeft(s[start:], " \n")
}
