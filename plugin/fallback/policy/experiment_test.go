package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

func TestExperimentsSplitTheirTarget(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: c}]\nexperiments: {trial: {arms: [{model: a, share: 75%}, {model: b, share: 25%, cohort: new}]}}"
	m := build(t, text, named("a", "b", "c"))
	count := map[string]int{}
	for user := range 1000 {
		ctx := asUser(t.Context(), fmt.Sprint("user-", user))
		got := ask(ctx, m, false)
		count[got.text]++
		if again := ask(ctx, m, true); again.text != got.text {
			t.Fatalf("user %d is in two arms", user)
		}
		cohort := map[string]string{"a": "a", "b": "new"}[got.text]
		if got.md.ExperimentID != "trial" || got.md.Cohort != cohort {
			t.Fatalf("%s: experiment %q, cohort %q", got.text, got.md.ExperimentID, got.md.Cohort)
		}
	}
	// Within five standard deviations: √(1000 × 0.25 × 0.75) = 13.7.
	if n := count["b"]; n < 180 || n > 320 {
		t.Errorf("%d of 1000 users are in the arm of 25 %%", n)
	}
}

// An arm that fails falls back as its control does, and still counts for its
// cohort.
func TestArmsFallBack(t *testing.T) {
	given := named("a", "c")
	given["b"] = suite.NewModel("b", suite.Fail(suite.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: c}]\nexperiments: {x: {arms: [{model: a, share: 0%}, {model: b, share: 100%}]}}", given)
	if got := ask(t.Context(), m, false); got.text != "c" || got.md.Cohort != "b" {
		t.Errorf("%q in cohort %q (%v), want c in cohort b", got.text, got.md.Cohort, got.err)
	}
}

func TestExperimentsWithAFallback(t *testing.T) {
	given := named("b", "c")
	given["a"] = suite.NewModel("a", suite.Fail(suite.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nexperiments: {x: {target: b, arms: [{model: b, share: 0%}, {model: c, share: 100%}]}}", given)
	if got := ask(t.Context(), m, false); got.text != "c" || got.md.ExperimentID != "x" {
		t.Errorf("%q (%v), experiment %q; want c in x", got.text, got.err, got.md.ExperimentID)
	}
}

// max_drift takes out an arm that fails more than its control.
func TestArmsThatDriftAreTakenOut(t *testing.T) {
	given := named("a", "c")
	bad := suite.NewModel("b", suite.Fail(suite.ErrUnavailable))
	given["b"] = bad
	m := build(t, "primary: a\nfallbacks: [{name: c}]\nexperiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}], max_drift: 10%, min_calls: 10}}", given)
	for user := range 200 {
		ask(asUser(t.Context(), fmt.Sprint(user)), m, false)
	}
	if asked := len(bad.Asked()); asked < 10 || asked > 60 {
		t.Errorf("the bad arm was asked %d times of about 100, want it out after some 10", asked)
	}
}

// What an experiment has rolled back stays so over a reload that does not change
// it, under the guards of the new policy; a change of it, or of a model in it, is
// another experiment. B92
func TestRollbacksSurviveAReload(t *testing.T) {
	const (
		head = "primary: a\nfallbacks: [{name: c}]\n"
		same = "experiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}], max_drift: 10%, min_calls: 10}}\n"
	)
	for _, test := range []struct {
		name, file string
		asked      bool   // the arm that was taken out
		by         string // whom everybody gets; empty for more than one
	}{
		{"another section changed", head + same + "timeouts: {primary: 1m}\n", false, "a"},
		{"a guard changed", head + same + "flags: {f: {targets: [a], default: false}}\n", false, "c"},
		{"the experiment changed", head + strings.Replace(same, "min_calls: 10", "min_calls: 20", 1), true, ""},
		{"a model changed", head + same + "models: {b: {config: {temperature: 0}}}\n", true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := named("a", "c")
			bad := suite.NewModel("b", suite.Fail(suite.ErrUnavailable))
			given["b"] = bad
			l, err := policy.NewLive(t.Context(), parsed(t, head+same), quiet, given)
			if err != nil {
				t.Fatal(err)
			}
			everybody := func() (by []string) {
				for user := range 100 {
					by = append(by, ask(asUser(t.Context(), fmt.Sprint(user)), l.Model(), false).text)
				}
				slices.Sort(by)
				return slices.Compact(by)
			}
			everybody()
			if by := everybody(); !slices.Equal(by, []string{"a"}) {
				t.Fatalf("before the reload %v answered, want a alone", by)
			}
			before := len(bad.Asked())
			if err := l.Replace(t.Context(), parsed(t, test.file)); err != nil {
				t.Fatal(err)
			}
			by := everybody()
			if asked := len(bad.Asked()) > before; asked != test.asked || test.by != "" && !slices.Equal(by, []string{test.by}) {
				t.Errorf("b was asked: %v, %v answered; want %v, %s", asked, by, test.asked, test.by)
			}
		})
	}
}
