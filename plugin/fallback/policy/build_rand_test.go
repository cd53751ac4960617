package policy_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// WithRand draws the waits of section retry, so that a program with a seed is repeatable.
func TestRandomWaitsAreDrawnFromWithRand(t *testing.T) {
	for _, test := range []struct {
		draw float64
		want time.Duration
	}{{0, time.Second}, {0.5, 1500 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			a := suite.NewModel("a", suite.Fail(suite.ErrUnavailable), suite.Text("a"))
			m := build(t, "primary: a\nretry: {max_attempts: 2, base_delay: 2s}\n", models(a), policy.WithRand(func() float64 { return test.draw }))
			started := time.Now()
			ask(t.Context(), m, false)
			if got := time.Since(started); got != test.want {
				t.Errorf("a draw of %v waits %v, want %v", test.draw, got, test.want)
			}
		})
	}
}
