package condition

import (
	"strconv"
	"strings"
)

// These functions return the length in bytes of the token at the start of s, by CEL's lexical rules
// (https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax). CEL's parser reports invalid tokens.

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func digitsLen(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// wordLen measures an identifier, which may also begin with a digit here.
func wordLen(s string) int {
	n := 0
	for n < len(s) && (isDigit(s[n]) || isLetter(s[n])) {
		n++
	}
	return n
}

// decimalLen measures 12, 1.5 and .5.
func decimalLen(s string) int {
	n := digitsLen(s)
	if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		n += 1 + digitsLen(s[n+1:])
	}
	return n
}

// durationLen measures 1h30m; 0 means that s does not begin with a duration.
func durationLen(s string) int {
	n := 0
	for {
		d := decimalLen(s[n:])
		u := unitLen(s[n+d:])
		if d == 0 || u == 0 {
			break
		}
		n += d + u
	}
	if n < len(s) && (isDigit(s[n]) || isLetter(s[n])) {
		return 0
	}
	return n
}

func unitLen(s string) int {
	for _, unit := range []string{"ns", "us", "µs", "μs", "ms", "s", "m", "h"} {
		if strings.HasPrefix(s, unit) {
			return len(unit)
		}
	}
	return 0
}

// numberLen measures a CEL number: 12, 12u, 0xff, 1.5, 1e-3.
func numberLen(s string) int {
	if len(s) > 2 && s[0] == '0' && s[1] == 'x' {
		return wordLen(s)
	}
	n := decimalLen(s)
	if n == len(s) {
		return n
	}
	switch s[n] {
	case 'u', 'U':
		return n + 1
	case 'e', 'E':
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if d := digitsLen(s[e:]); d > 0 {
			return e + d
		}
	}
	return n
}

// stringLen measures a string with its quotes. An unterminated one extends to the end of s.
func stringLen(s string, raw bool) int {
	quote := s[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s, triple) {
		quote = triple
	}
	for n := len(quote); n < len(s); n++ {
		switch {
		case s[n] == '\\' && !raw:
			n++
		case strings.HasPrefix(s[n:], quote):
			return n + len(quote)
		}
	}
	return len(s)
}

// lineLen measures up to the end of the line.
func lineLen(s string) int { return len(untilAfter(s, "\n")) }

// untilAfter returns s up to and including the first sep, all of s if there is none.
func untilAfter(s, sep string) string {
	if i := strings.Index(s, sep); i >= 0 {
		return s[:i+len(sep)]
	}
	return s
}

// double formats f as a CEL double literal, which needs a point or an exponent.
func double(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if strings.ContainsAny(s, ".e") {
		return s
	}
	return s + ".0"
}
