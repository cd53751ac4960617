package redact

import "strings"

// blockEnd returns the end of the PEM block whose introducer ends at i: behind the line of its end. A block that was cut off
// reaches as far as its lines do.
func (sc *scanner) blockEnd(i int) int {
	const last, dashes = "-----END", "-----"
	s := sc.s
	if !sc.noEnd {
		if n := strings.Index(s[i:], last); n >= 0 {
			end := i + n + len(last)
			if n = strings.Index(s[end:], dashes); n >= 0 {
				return end + n + len(dashes)
			}
			return len(s)
		}
		sc.noEnd = true
	}
	n := strings.Index(s[i:min(len(s), i+100)], dashes)
	if n < 0 {
		return i
	}
	end := i + n + len(dashes)
	for next := end; ; {
		lineBreak := false
		for next < len(s) && class[s[next]]&std == 0 { // also quotes, and what escapes and joins lines
			n, c := escapeAt(s[next:])
			lineBreak = lineBreak || s[next] == '\n' || c == ' '
			next += max(n, 1)
		}
		start := next
		next = endOf(s, start, std|dash)
		if next == start || !lineBreak && plain(s[start:next]) {
			return end
		}
		end = next
	}
}
