package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Byte classes. A word is what keys, ids and local parts of addresses are made of; a value may also hold base64's
// and URL-escaping's further bytes.
const (
	wordByte = 1 << iota
	valueByte
	domainByte
	lower
	upper
	digit
	other // of a word: a mark, or not ASCII
)

var class = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		switch {
		case b >= '0' && b <= '9':
			t[c] = wordByte | valueByte | domainByte | digit
		case b >= 'a' && b <= 'z':
			t[c] = wordByte | valueByte | domainByte | lower
		case b >= 'A' && b <= 'Z':
			t[c] = wordByte | valueByte | domainByte | upper
		case b == '-', b == '.':
			t[c] = wordByte | valueByte | domainByte | other
		case strings.IndexByte("_+*%", b) >= 0:
			t[c] = wordByte | valueByte | other
		case strings.IndexByte("/=~", b) >= 0:
			t[c] = valueByte
		}
	}
	return t
}()

// wordAt returns the word that starts at i and the classes of its bytes. Letters of any script are part of words.
func wordAt(s string, i int) (word span, seen uint8) {
	word = span{i, i}
	for {
		for word.end < len(s) {
			k := class[s[word.end]]
			if k&wordByte == 0 {
				break
			}
			seen |= k
			word.end++
		}
		if word.end == len(s) || s[word.end] < utf8.RuneSelf {
			return word, seen
		}
		n := letter(s[word.end:])
		if n == 0 {
			return word, seen
		}
		seen |= other
		word.end += n
	}
}

// blank reports whether r is a space, or shown as one: Text makes spaces of the others.
func blank(r rune) bool {
	return r == ' ' || unicode.IsControl(r) || r > unicode.MaxLatin1 && unicode.In(r, unicode.Zl, unicode.Zp)
}

// letter returns the length of the letter beyond ASCII that s starts with, 0 for anything else.
func letter(s string) int {
	if s[0] < utf8.RuneSelf {
		return 0
	}
	if r, n := utf8.DecodeRuneInString(s); unicode.IsLetter(r) || unicode.IsMark(r) {
		return n
	}
	return 0
}

func endOf(s string, i int, mask uint8) int {
	for i < len(s) && class[s[i]]&mask != 0 {
		i++
	}
	return i
}

// The judgements below are the same for a word and for what a cut leaves of it: they ask how it begins.

// isHex reports whether w starts with n hexadecimal digits, hyphens aside, as keys and UUIDs do.
func isHex(w string, n int) bool {
	for i := 0; i < len(w) && n > 0; i++ {
		switch c := w[i] | 0x20; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
			n--
		case w[i] != '-':
			return false
		}
	}
	return n == 0
}

// isRandom reports whether w holds n letters and digits in a row that no one would have thought of. Of encoded random
// bytes every sixth is a digit, and the class of letter changes at two of three; names have few numbers, and words in
// them: GenerateRequestsPerDayPerProject, Llama-3.3-70B-Instruct.
func isRandom(w string, n int) bool {
	var last uint8
	size, numbers, changes := 0, 0, 0
	for i := range len(w) {
		k := class[w[i]] & (lower | upper | digit)
		if k == 0 {
			size, numbers, changes, last = 0, 0, 0, 0
			continue
		}
		if size++; k != last {
			changes++
			if k == digit {
				numbers++
			}
		}
		if last = k; size >= n && numbers > 0 && (numbers >= 3 || 2*changes > size+1) {
			return true
		}
	}
	return false
}

// plainWord reports whether w is prose such as "token" in "bearer token".
func plainWord(w string) bool {
	if len(w) >= 20 {
		return false
	}
	for i := range len(w) {
		if c := w[i]; (c < 'a' || c > 'z') && c != '.' && (i > 0 || c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// trim drops punctuation at the end of s[start:end]: it belongs to the sentence.
func trim(s string, start, end int) int {
	for end > start && strings.IndexByte(".-", s[end-1]) >= 0 {
		end--
	}
	return end
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func hasFoldSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}
