package printable_test

import (
	"strings"
	"testing"
	"testing/quick"
	"unicode"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/internal/printable"
)

// B141
func TestLine(t *testing.T) {
	for _, c := range []struct {
		name, text string
		max        int
		want       string
	}{
		{"plain text", "gemini-2.5-flash", 16, "gemini-2.5-flash"},
		{"other scripts", "配额 été \u05d0\u05d1 👍", 60, "配额 été \u05d0\u05d1 👍"},
		{"line breaks", "one\r\ntwo\u0085three\u2028four\u2029five\vsix\fseven", 60, "one two three four five six seven"},
		{"columns", "  m  ok\t1ms \n", 60, "m ok 1ms"},
		{"nothing but space", " \n\t\u00a0", 60, ""},
		{"escape sequences", "\x1b[31mred\x1b]0;title\a\x9b1m", 60, "\uFFFD[31mred\uFFFD]0;title\uFFFD\uFFFD1m"},
		{"C1 controls", "\u009b31m\u0090", 60, "\uFFFD31m\uFFFD"},
		{"other controls", "a\x00b\bc\x7f", 60, "a\uFFFDb\uFFFDc\uFFFD"},
		{"bidirectional controls", "a\u202e\u202a\u2066\u2069\u200e\u200f\u061cb", 60, "a" + strings.Repeat("\uFFFD", 7) + "b"},
		{"invisible characters", "a\u200b\u2060\ufeff\u00ad\U000E0041b", 60, "a" + strings.Repeat("\uFFFD", 5) + "b"},
		{"not UTF-8", "a\xff\xed\xa0\x80b", 60, "a\uFFFD\uFFFD\uFFFD\uFFFDb"},
		{"too long", "quota exceeded for today", 18, "quota exceeded…"},
		{"space after the limit", "quota" + strings.Repeat(" ", 100), 5, "quota"},
		{"huge", strings.Repeat("\x1b", 1<<20), 10, "\uFFFD\uFFFD…"},
		{"no room", "quota", 0, ""},
	} {
		if got := printable.Line(c.text, c.max); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// B141
func TestLineOfAnyText(t *testing.T) {
	check := func(text []byte, runes []rune, max uint8) bool {
		s := string(text) + string(runes)
		got := printable.Line(s, int(max))
		prints := !strings.ContainsFunc(got, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) })
		return prints && utf8.ValidString(got) && len(got) <= int(max) && printable.Line(got, int(max)) == got
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func TestLineReadsNoMoreThanItNeeds(t *testing.T) {
	huge := strings.Repeat("\x1b", 1<<20)
	if n := testing.AllocsPerRun(10, func() { printable.Line(huge, 10) }); n > 6 {
		t.Errorf("%v allocations for ten bytes of a huge text, want at most 6", n)
	}
}
