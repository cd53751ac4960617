package match_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// B133
func TestNamesCompareAsAPersonWould(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"pii", "pii", true},
		{"PII", "pii", true},
		{"pii", "Pii", true},
		{" pii\t", "\u00a0PII\u3000", true},
		{"pii", "p ii", false},
		{"pii", "pi", false},
		{"", "", true},
		{"", "  ", true},
		{"", "pii", false},
		{"Müller GmbH", "MÜLLER GMBH", true},
		{"Mu\u0308ller", "M\u00fcller", true},
		{"MU\u0308LLER", "m\u00fcller", true},
		{"Muller", "Müller", false},
		{"straße", "STRASSE", true},
		{"STRAẞE", "straße", true},
		{"auth0|abc", "Auth0|ABC", true},
		{"ΣΊΣΥΦΟΣ", "σίσυφος", true},
		{"ПДн", "пдн", true},
		{"個人情報", "個人情報", true},
		{"ＰＩＩ", "pii", true},
		{"ｶﾞ", "ガ", true},
		{"pıı", "PII", true},
		{"PİI", "pii", true},
		{"p\u200bii", "pii", true},
		{"\ufeffpii", "pii", true},
		{"ﬁnance", "FINANCE", true},
		{"eu\u00a0west", "eu west", true},
		{"*", "", true},
		{"*", "anything", true},
		{"europe-*", "EUROPE-west4", true},
		{"Europe-*", "europe-west4", true},
		{" europe-* ", "europe-west4", true},
		{"europe-*", "us-east1", false},
		{"europe-*", "my-europe-west4", false},
		{"*-west*", "europe-west4", true},
		{"*-west", "europe-west4", false},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"**", "x", true},
		{"МЮНХ*", "мюнхен", true},
		{"x*", "x*y", true},
		{"europe", "europe-west4", false},
	} {
		if got := match.Name(test.pattern, test.name); got != test.want {
			t.Errorf("Name(%q, %q) is %t", test.pattern, test.name, got)
		}
	}
}

// Whatever the letter and the way to write it, its folded form is one. B133
func TestEveryWayToWriteALetterFoldsToOne(t *testing.T) {
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) || unicode.In(r, unicode.Han, unicode.Hangul, unicode.Tangut) {
			continue // tens of thousands without case
		}
		name := "a" + string(r) + "z"
		want := match.Fold(name)
		for _, other := range []string{
			want, strings.ToUpper(name), strings.ToLower(name), strings.ToTitle(name), norm.NFC.String(name), norm.NFD.String(name),
			strings.ToUpper(norm.NFD.String(name)), strings.ToLower(norm.NFD.String(name)), norm.NFKC.String(name), " " + name + "\n",
		} {
			if got := match.Fold(other); got != want {
				t.Errorf("%U: Fold(%q) is %q and Fold(%q) is %q", r, name, want, other, got)
			}
		}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if got := match.Fold("a" + string(other) + "z"); got != want {
				t.Errorf("%U and %U fold to %q and %q", r, other, want, got)
			}
		}
	}
}

func TestFoldOfLowerCaseAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { match.Name(" europe-*", "europe-west4 ") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFold(f *testing.F) {
	f.Add(" Mu\u0308ller*")
	f.Fuzz(func(t *testing.T, name string) {
		folded := match.Fold(name)
		if again := match.Fold(folded); again != folded {
			t.Errorf("Fold(%q) is %q, and of that %q", name, folded, again)
		}
		if !strings.Contains(folded, "*") && !match.Name(name, name) {
			t.Errorf("%q does not match itself", name)
		}
	})
}
