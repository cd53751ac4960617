package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes of bytes. An alphabet is a set of them.
const (
	lower uint16 = 1 << iota
	upper
	digit
	hexLetter
	under
	dash
	dot
	slash // '/' and '+' are base64's
	plus
	equals
	tilde
	star
	percent
	special    // the scanner has something to do
	word       // of words: what keys, names and the local parts of addresses are made of
	needsDigit // of a form, not of a byte: the value has a digit

	hexa   = digit | hexLetter | star
	letter = lower | upper
	value  = dots | percent // of a key behind its label
)

var class = func() (t [256]uint16) {
	for c := range t {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = digit | word
		case b >= 'a' && b <= 'z':
			t[c] = lower | word
		case b >= 'A' && b <= 'Z':
			t[c] = upper | word
		case b < ' ', b >= 0x7f, strings.IndexByte("@%\\:'\"[", b) >= 0:
			t[c] = special
		}
	}
	for _, b := range "abcdefABCDEF" {
		t[b] |= hexLetter
	}
	for i, b := range "_-.~*" {
		t[b] = [...]uint16{under, dash, dot, tilde, star}[i] | word
	}
	t['/'], t['+'], t['='] = slash, plus, equals
	t['%'] |= percent
	return t
}()

// endOf returns the end of the characters of an alphabet that start at i, escaped or not.
func endOf(s string, i int, alphabet uint16) int {
	for i < len(s) {
		if class[s[i]]&alphabet != 0 {
			i++
			continue
		}
		n, c := escapeAt(s[i:])
		if c == 0 || class[c]&alphabet == 0 {
			break
		}
		i += n
	}
	return i
}

// charAt returns the character at i, escaped or not, and its length in s; 0 and the length of the backslashes for `\"`.
func charAt(s string, i int) (c byte, n int) {
	if n, c = escapeAt(s[i:]); n > 0 {
		return c, n
	}
	return s[i], 1
}

// trim drops punctuation at the end of s[start:end]: it belongs to the sentence.
func trim(s string, start, end int) int {
	for end > start && (s[end-1] == '.' || s[end-1] == '-') {
		end--
	}
	return end
}

// blank reports whether r is a space, or shown as one: Text makes spaces of the others.
func blank(r rune) bool {
	return r == ' ' || unicode.IsControl(r) || r > unicode.MaxLatin1 && unicode.In(r, unicode.Zl, unicode.Zp)
}

func isBlank(b byte) bool { return b <= ' ' || b == 0x7f }

// letterAt returns the length of the letter beyond ASCII that s starts with, 0 for anything else.
func letterAt(s string) int {
	if s == "" || s[0] < utf8.RuneSelf {
		return 0
	}
	if r, n := utf8.DecodeRuneInString(s); unicode.IsLetter(r) || unicode.IsMark(r) {
		return n
	}
	return 0
}

// escapeAt returns the length of the escape at the start of s and the character it stands for, where that matters: of a
// URL (%40, %2540), or of JSON and of code, however often it was escaped (\n, \\\\n, \u0040). It returns 0 when there is none.
func escapeAt(s string) (n int, c byte) {
	switch {
	case len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2]):
		n = 3
		for len(s) >= n+2 && s[n-2:n] == "25" && isHex(s[n]) && isHex(s[n+1]) { // an escaped '%'
			n += 2
		}
		return n, unhex(s[n-2])<<4 | unhex(s[n-1])
	case s == "" || s[0] != '\\':
		return 0, 0
	}
	for n < len(s) && s[n] == '\\' {
		n++
	}
	switch {
	case n == len(s):
		return n, 0
	case s[n] == '/':
		return n + 1, '/'
	case strings.IndexByte("nrtbfv0", s[n]) >= 0:
		return n + 1, ' '
	case len(s) >= n+5 && s[n] == 'u' && s[n+1] == '0' && s[n+2] == '0' && isHex(s[n+3]) && isHex(s[n+4]):
		return n + 5, unhex(s[n+3])<<4 | unhex(s[n+4])
	}
	return n, 0
}

// quoteEntities are the character references of HTML for quotes.
var quoteEntities = [...]string{"&quot;", "&#34;", "&#39;", "&#x27;", "&apos;"}

// quoteEntityAt returns the one of quoteEntities that s starts with, or "".
func quoteEntityAt(s string) string {
	if s == "" || s[0] != '&' {
		return ""
	}
	for _, e := range quoteEntities {
		if strings.HasPrefix(s, e) {
			return e
		}
	}
	return ""
}

func isHex(b byte) bool { return class[b]&(digit|hexLetter) != 0 }

func unhex(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&0xf + 9
}
