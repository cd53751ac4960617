package duration_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/duration"
)

func TestText(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "250ms": 250 * time.Millisecond, "30s": 30 * time.Second, "5m": 5 * time.Minute, "1h": time.Hour,
		"1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second, "10m": 10 * time.Minute,
	} {
		if got := duration.Text(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
