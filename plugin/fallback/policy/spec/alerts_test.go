package spec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// An alert that needs a section or a last resort is raised only by policies that have it,
// and by none that disable it. B142
func TestAlertsThatAPolicyCanRaise(t *testing.T) {
	const always = "primary: gemini-2.5-flash\nalerts: {}\n"
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"a primary alone", always, []string{"fallback_rate", "primary_errors"}},
		{"without section alerts", "primary: gemini-2.5-flash\n", []string{"fallback_rate", "primary_errors"}},
		{"a breaker", always + "circuit_breaker: {}\n", []string{"fallback_rate", "primary_errors", "all_open"}},
		{"a last resort", always + "fallbacks: [{name: template-response}]\n", []string{"fallback_rate", "primary_errors", "degraded_answers"}},
		{"an alias of deferred-answer", always + "aliases: {later: deferred-answer}\nfallbacks: [{name: later}]\n", []string{"fallback_rate", "primary_errors", "degraded_answers", "jobs_waiting"}},
		{"a cascade, whose rejected answer may stand", always + "cascade: {model: gpt-4o, judge: stated}\n", []string{"fallback_rate", "primary_errors", "degraded_answers"}},
		{"a cascade that defers", always + "cascade: {model: gpt-4o, judge: stated, degrade: {below: 10%, to: deferred-answer}}\n", []string{"fallback_rate", "primary_errors", "degraded_answers", "jobs_waiting"}},
		{"dollars of all tenants", always + "budgets: {usd_per_day: 5}\n", []string{"fallback_rate", "primary_errors", "budget_spent", "budget_burn"}},
		{"dollars of one tenant", always + "budgets: {tenants: {acme: {usd_per_day: 5}}}\n", []string{"fallback_rate", "primary_errors", "budget_spent", "budget_burn"}},
		{"a limit of tokens", always + "budgets: {max_input_tokens: 5}\n", []string{"fallback_rate", "primary_errors"}},
		{"some disabled", "primary: gemini-2.5-flash\nalerts: {disable: [all_open, fallback_rate]}\ncircuit_breaker: {}\n", []string{"primary_errors"}},
		{"all disabled", "primary: gemini-2.5-flash\nalerts: {disable: [fallback_rate, primary_errors]}\n", nil},
	} {
		if diff := cmp.Diff(test.want, parse(t, test.text).Alerting()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A threshold that cannot be exceeded is a warning, and none is given for a default.
func TestThresholdsWithoutEffect(t *testing.T) {
	p := parse(t, "primary: gemini-2.5-flash\nalerts: {budget_spent: 90%, jobs_oldest: 1h}\nobserve: {metrics: false}\n")
	var got []string
	for _, problem := range spec.Check(p, spec.Known{}) {
		got = append(got, problem.String())
	}
	want := []string{
		"2:1: warning: alerts: alerts need metrics; set observe.metrics: true, or remove alerts",
		"2:24: warning: alerts.budget_spent: budget_spent has no effect without a budget; set budgets.usd_per_day or budgets.tenants, or remove budget_spent",
		"2:42: warning: alerts.jobs_oldest: jobs_oldest has no effect without deferred answers; add deferred-answer to the fallbacks, or remove jobs_oldest",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
