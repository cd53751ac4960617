package nearest_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

func TestOf(t *testing.T) {
	for _, test := range []struct{ word, want string }{
		{"latencyy", "latency"}, {"Latency", "latency"}, {"lateny", "latency"}, {"tenat", "tenant"}, {"csot", "cost"}, {"latecny", "latency"}, {"ocst", "cost"}, {"tsoc", ""}, {"colour", ""}, {"", ""},
	} {
		if got := nearest.Of(test.word, []string{"latency", "tenant", "cost"}); got != test.want {
			t.Errorf("Of(%q) = %q, want %q", test.word, got, test.want)
		}
	}
}
