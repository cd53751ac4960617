package policy_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// hedge.min_delay and hedge.max_extra_load: when, and how often, the second model is
// called. B76
func TestHedgesAreBoundedByThePolicy(t *testing.T) {
	for _, test := range []struct {
		hedge string
		by    []string // of two calls in a row
		took  time.Duration
	}{
		{"{min_delay: 3s, max_extra_load: 100%}", []string{"b", "b"}, 3 * time.Second},
		{"{delay: 1s, max_extra_load: 100%}", []string{"b", "b"}, time.Second},
		{"{delay: 1s, max_extra_load: 0.1%}", []string{"b", "a"}, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := build(t, "primary: a\nfallbacks: [{name: b}]\nhedge: "+test.hedge, models(llmtest.NewModel("a", after(time.Minute, llmtest.Text("a"))), llmtest.NewModel("b", llmtest.Text("b"))))
			first := ask(t.Context(), m, false)
			second := ask(t.Context(), m, false)
			if by := []string{first.text, second.text}; !slices.Equal(by, test.by) || first.took != test.took {
				t.Errorf("%s: %v, the first after %v; want %v after %v", test.hedge, by, first.took, test.by, test.took)
			}
		})
	}
}

// In a hedge, the condition of the hedge target refers to the primary, as it does without one.
func TestConditionsOfAHedge(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Text("a"))
	m := build(t, "primary: a\nfallbacks: [{name: b, condition: \"!error && cost > 0.001\"}, {name: c}]\nhedge: {delay: 1m}\n"+
		"models: {a: {price: {input: 0, output: 10}}}\n", models(a, llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("c", llmtest.Text("c"))))
	if got := ask(t.Context(), m, false); got.text != "b" || len(a.Asked()) != 0 {
		t.Errorf("%q (%v), a asked %d times; want b alone: a would have cost 0.01 USD", got.text, got.err, len(a.Asked()))
	}
}

// A soft limit spares the primary of a hedge, not the hedge target.
func TestSoftLimitWithinAHedge(t *testing.T) {
	given := models(llmtest.NewModel("a", using("a", 900_000)), llmtest.NewModel("b", using("b", 10)), llmtest.NewModel("c", llmtest.Text("c")))
	m := build(t, "primary: a\nfallbacks: [{name: b}, {name: c}]\nhedge: {delay: 1m}\nbudgets: {usd_per_day: 1, soft_limit: {primary_share: 0%}}"+priced,
		given, policy.WithRand(func() float64 { return 0.5 }))
	for i, want := range []string{"a", "b"} {
		if got := askFor(t.Context(), m, false, asking(10)); got.text != want {
			t.Errorf("call %d: %q (%v), want %s", i+1, got.text, got.err, want)
		}
	}
}
