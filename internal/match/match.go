// Package match compares the names that people give to tenants, classes of data,
// regions and models. Case and Unicode form do not matter: a rule about "pii" applies to
// "PII".
package match

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the form of a name that is equal for all ways to write it. Case is
// folded, compatibility forms are one (NFC and NFD, full-width letters, ligatures),
// characters without width do not count, and white space at both ends is cut off. This
// is NFKC_Casefold, which the Unicode standard has for identifiers
// (https://www.unicode.org/reports/tr31/#normalization_and_case), except that the two
// letters i of Turkish are one: there, "PII" in lower case is "pıı".
//
// Fold(Fold(s)) == Fold(s). A name in lower-case ASCII costs no allocation.
func Fold(name string) string {
	if isFolded(name) {
		return strings.TrimSpace(name)
	}
	const dot = '\u0307' // of İ, which NFKD makes an I with a dot
	var b strings.Builder
	var last rune
	name = strings.ToValidUTF8(name, "\ufffd") // norm copies what follows other bytes as it is
	for _, r := range norm.NFKD.String(name) {
		switch r = foldRune(r); {
		case isIgnorable(r):
			continue
		case r == 'ß':
			b.WriteString("ss")
		case r != dot || last != 'i':
			b.WriteRune(r)
		}
		last = r
	}
	return strings.TrimSpace(norm.NFKC.String(b.String()))
}

// isFolded reports whether name is ASCII without capital letters.
func isFolded(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= 0x80 || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// foldRune folds by way of the capital letter, because several small letters may have
// the same: s and ſ, σ and ς.
func foldRune(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// isIgnorable reports whether r has no width and no meaning of its own.
func isIgnorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// Name reports whether name matches pattern, in which * stands for any text, also for
// none. Both are compared as Fold has them.
func Name(pattern, name string) bool { return Folded(Fold(pattern), Fold(name)) }

// Folded is Name for a pattern and a name that are folded already.
func Folded(pattern, name string) bool {
	first, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	for ok {
		var part string
		if part, rest, found = strings.Cut(rest, "*"); !found {
			return strings.HasSuffix(name, part)
		}
		_, name, ok = strings.Cut(name, part)
	}
	return false
}
