package prose

import "strings"

// edge is what [Text.HasAny] requires of the text beside a phrase.
type edge uint8

const (
	anywhere edge = iota
	start         // the phrase begins at the start of a word, and does not follow "not your"
	whole         // no letter or digit is beside the phrase
)

// index returns the first position of s in text at which its edges fit, or -1.
func (e edge) index(text, s string) int {
	for at := 0; ; at++ {
		n := strings.Index(text[at:], s)
		if n < 0 {
			return -1
		}
		at += n
		if e.fits(text[:at], s, text[at+len(s):]) {
			return at
		}
	}
}

func (e edge) fits(before, s, after string) bool {
	switch e {
	case start:
		inside := before != "" && IsLetter(before[len(before)-1]) && joined(before, s) && !endsNames(s)
		return !inside && !strings.HasSuffix(before, "not your ")
	case whole:
		return !joined(before, s) && !joined(s, after)
	}
	return true
}

// joined reports whether a and b are parts of one word. The letter of an escape, such as \n, is not
// part of a word: some programs print an error with its escapes.
func joined(a, b string) bool {
	return a != "" && b != "" && isAlphanumeric(a[len(a)-1]) && isAlphanumeric(b[0]) && !(len(a) > 1 && a[len(a)-2] == '\\')
}

// endsNames reports whether s begins with a noun that ends names of fields and codes: maxTokens, DailyQuota,
// TeamBudget, ChatModel. In lower case, such a name is one word.
func endsNames(s string) bool {
	for _, noun := range [...]string{"token", "quota", "budget", "model"} {
		if strings.HasPrefix(s, noun) {
			return true
		}
	}
	return false
}

// IsLetter reports whether c is a letter of ASCII.
func IsLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isAlphanumeric(c byte) bool { return IsLetter(c) || c >= '0' && c <= '9' }
