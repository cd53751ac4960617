package condition_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/condition"
)

// B91: conditions that are valid but probably mistakes cause warnings.
func TestDoubts(t *testing.T) {
	for source, want := range map[string]string{
		"latency > 3s || ttft >= 1s":                         "",
		"latency == 3s":                                      "latency is never exactly one duration",
		"error || 3s != ttft":                                "ttft is never exactly one duration",
		`finish_reason in ["STOP", "MAX_TOKEN"]`:             `finish reason "MAX_TOKEN" is not known (did you mean MAX_TOKENS?)`,
		`finish_reason == "" || finish_reason == "SAFETY"`:   "",
		`error_kind in ["rate_limit", "network", "refused"]`: "",
	} {
		c, err := condition.Compile(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got := strings.Join(c.Doubts(), "\n")
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: doubts %s", source, cmp.Diff(want, got))
		}
	}
}
