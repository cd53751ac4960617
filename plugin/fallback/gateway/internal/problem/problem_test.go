package problem_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// The text of a problem has no secret, and is never longer than MaxText.
func TestTextsAreRedactedAndBounded(t *testing.T) {
	const secret = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"
	for _, text := range []string{"the key " + secret + " is wrong", strings.Repeat("word ", problem.MaxText) + secret, strings.Repeat("ä", problem.MaxText)} {
		if p := problem.Invalid("", text); p.Text == "" || len(p.Text) > problem.MaxText || strings.Contains(p.Text, "abcdefgh") {
			t.Errorf("%d bytes: %s", len(p.Text), p.Text)
		}
	}
}

// A name that a client chooses cannot break a line, and is cut.
func TestQuotedNamesAreOneShortLine(t *testing.T) {
	for _, name := range []string{"a\nb", "\x1b[31m", strings.Repeat("a", 10_000)} {
		if got := problem.Quote(name); strings.ContainsAny(got, "\n\x1b") || len(got) > 200 {
			t.Errorf("%q became %q", name, got)
		}
	}
}
