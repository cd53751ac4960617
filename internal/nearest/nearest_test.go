package nearest_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/nearest"
)

func TestDidYouMean(t *testing.T) {
	for word, want := range map[string]string{"lateny": " (did you mean latency?)", "latency": "", "colour": "", "Cost": " (did you mean cost?)"} {
		if got := nearest.DidYouMean(word, []string{"latency", "cost"}); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	for _, test := range []struct{ word, want string }{
		{"latencyy", "latency"}, {"Latency", "latency"}, {"lateny", "latency"}, {"tenat", "tenant"}, {"csot", "cost"}, {"latecny", "latency"}, {"ocst", "cost"}, {"tsoc", ""}, {"colour", ""}, {"", ""},
	} {
		if got := nearest.Of(test.word, []string{"latency", "tenant", "cost"}); got != test.want {
			t.Errorf("Of(%q) = %q, want %q", test.word, got, test.want)
		}
	}
}
