package clip_test

import (
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/adk-fallback/adk-fallback/internal/clip"
)

type cut struct {
	name, text string
	max        int
	want       string
}

func cuts(t *testing.T, f func(s string, max int) string, all []cut) {
	t.Helper()
	for _, c := range all {
		if got := f(c.text, c.max); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	cuts(t, clip.Words, []cut{
		{"it fits", "quota exceeded", 14, "quota exceeded"},
		{"in a word", "quota exceeded for today", 18, "quota exceeded…"},
		{"after a word", "quota exceeded for today", 17, "quota exceeded…"},
		{"after a sentence", "quota exceeded. Retry in 5s", 19, "quota exceeded…"},
		{"what is no word", strings.Repeat("x", 100), 50, strings.Repeat("x", 47) + "…"},
		{"other scripts", "配额已用完请稍后重试", 11, "配额…"},
		{"no room", "quota", 2, ""},
		{"nothing", "quota", 0, ""},
	})
}

func TestEnd(t *testing.T) {
	cuts(t, clip.End, []cut{
		{"it fits", "quota exceeded", 14, "quota exceeded"},
		{"in a word", "quota exceeded for today", 15, "…for today"},
		{"before a word", "quota exceeded for today", 12, "…for today"},
		{"after a word", "quota exceeded for today", 13, "…for today"},
		{"lines", "xx\nyy zz\nww vv", 8, "…ww vv"},
		{"what is no word", strings.Repeat("x", 100), 50, "…" + strings.Repeat("x", 47)},
		{"other scripts", "配额已用完请稍后重试", 11, "…重试"},
		{"no room", "quota", 2, ""},
		{"nothing", "quota", 0, ""},
		{"less than nothing", "quota", -1, ""},
	})
}

func TestWordsIsBoundedAndStable(t *testing.T) {
	check := func(s string, max uint8) bool {
		s = strings.ToValidUTF8(s, "?")
		got := clip.Words(s, int(max))
		end := clip.End(s, int(max))
		return len(got) <= int(max) && utf8.ValidString(got) && clip.Words(got, int(max)) == got &&
			len(end) <= int(max) && utf8.ValidString(end) && clip.End(end, int(max)) == end
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}
