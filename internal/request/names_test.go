package request_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/request"
)

// Names that would become the same get numbers, in the order in which they come. A client may send
// thousands of names, so they are not compared in pairs.
func TestNamesThatWouldBeTheSame(t *testing.T) {
	rule := &request.NameRule{Max: 12, Byte: func(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }}
	given := []string{"f$", "f_", "f%", "f$", "f_2", "f&", "abcdefghijklm", "abcdefghijkln", "abcdefghij_2", "", "$"}
	names := request.NamesOf(rule, slices.Values(given))
	for name, want := range map[string]string{
		"f_": "f_", "f_2": "f_2", "f$": "f__2", "f%": "f__3", "f&": "f__4",
		"abcdefghijklm": "abcdefghijkl", "abcdefghijkln": "abcdefghij_3", "abcdefghij_2": "abcdefghij_2", "": "_", "$": "__2",
	} {
		if got := names.Wire(name); got != want || names.Original(got) != name {
			t.Errorf("%q is %q, and back %q; want %q", name, got, names.Original(got), want)
		}
	}
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf("f%s", strings.Map(func(r rune) rune { return r + 0x2500 }, fmt.Sprint(i))))
	}
	names = request.NamesOf(rule, slices.Values(many))
	seen := map[string]bool{}
	for _, name := range many {
		own := names.Wire(name)
		if !rule.Takes(own) || seen[own] || names.Original(own) != name {
			t.Fatalf("%q is %q", name, own)
		}
		seen[own] = true
	}
	if n := testing.AllocsPerRun(1, func() { request.NamesOf(rule, slices.Values(many)) }); n > float64(50*len(many)) {
		t.Errorf("%.0f allocations for %d names; want that each costs the same", n, len(many))
	}
}
