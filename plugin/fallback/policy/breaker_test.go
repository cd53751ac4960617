package policy_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
)

// circuit_breaker: the breaker opens, and stays open, as the file says. B72
func TestBreakersOfAPolicy(t *testing.T) {
	fail, ok := llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("a")
	for _, test := range []struct {
		name, breaker string
		a             []llmtest.Step
		at            []time.Duration // when calls are made
		asked         []int           // how often a has been asked after each
	}{
		{
			"the wait doubles up to its bound", "{failure_threshold: 1, backoff: 10s, max_backoff: 20s}", []llmtest.Step{fail},
			[]time.Duration{0, 9 * time.Second, 11 * time.Second, 30 * time.Second, 32 * time.Second, 51 * time.Second, 53 * time.Second}, []int{1, 1, 2, 2, 3, 3, 4},
		},
		{
			"without a bound it stays", "{failure_threshold: 1, backoff: 10s}", []llmtest.Step{fail},
			[]time.Duration{0, 11 * time.Second, 22 * time.Second}, []int{1, 2, 3},
		},
		{
			"a share of failures", "{failure_threshold: 100, failure_ratio: 50%, min_requests: 4}", []llmtest.Step{ok, fail, ok, fail},
			[]time.Duration{0, 0, 0, 0, 0}, []int{1, 2, 3, 4, 4},
		},
		{
			"a smaller share", "{failure_threshold: 100, failure_ratio: 60%, min_requests: 4}", []llmtest.Step{ok, fail, ok, fail},
			[]time.Duration{0, 0, 0, 0, 0}, []int{1, 2, 3, 4, 5},
		},
		{
			"a share of too few calls", "{failure_threshold: 100, failure_ratio: 50%, min_requests: 5}", []llmtest.Step{ok, fail, ok, fail, ok},
			[]time.Duration{0, 0, 0, 0, 0}, []int{1, 2, 3, 4, 5},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := llmtest.NewModel("a", test.a...)
				m := build(t, "primary: a\nfallbacks: [{name: b}]\ncircuit_breaker: "+test.breaker, models(a, llmtest.NewModel("b", llmtest.Text("b"))))
				started := time.Now()
				var asked []int
				for _, at := range test.at {
					time.Sleep(at - time.Since(started))
					ask(t.Context(), m, false)
					asked = append(asked, len(a.Asked()))
				}
				if !slices.Equal(asked, test.asked) {
					t.Errorf("asked %v, want %v", asked, test.asked)
				}
			})
		})
	}
}
