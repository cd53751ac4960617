package alerts_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/promtool"
)

// whole is a policy that can raise every alert.
const whole = `
primary: gemini-2.5-pro
fallbacks: [{name: gpt-4o}, {name: deferred-answer}, {name: template-response}]
circuit_breaker: {}
budgets: {usd_per_day: 24}
alerts: {selector: {job: assistant}, labels: {team: search}}
`

// Series of the scenarios, as package observe has them.
const (
	plainCalls    = `fallback_calls_total{deferred="false",outcome="ok",fallback="false",model="gemini-2.5-pro"}`
	failedCalls   = `fallback_calls_total{deferred="false",outcome="failed",fallback="false"}`
	rescuedCalls  = `fallback_calls_total{deferred="false",outcome="ok",fallback="true",model="gpt-4o"}`
	degradedCalls = `fallback_calls_total{deferred="false",outcome="ok",fallback="true",degraded="template-response"}`
	endedCalls    = `fallback_calls_total{deferred="false",outcome="cancelled",fallback="false"}`
	primaryOK     = `fallback_attempts_total{target="gemini-2.5-pro",outcome="ok"}`
	primaryFails  = `fallback_attempts_total{target="gemini-2.5-pro",outcome="failed",kind="server"}`
	primaryEnded  = `fallback_attempts_total{target="gemini-2.5-pro",outcome="failed",kind="canceled"}`
	primaryLost   = `fallback_attempts_total{target="gemini-2.5-pro",outcome="failed",kind="hedge_lost"}`
	primarySkips  = `fallback_attempts_total{target="gemini-2.5-pro",outcome="skipped",kind="refused"}`
	backupOK      = `fallback_attempts_total{target="gpt-4o",outcome="ok"}`
	primaryOpen   = `fallback_breaker_state{target="gemini-2.5-pro"}`
	backupOpen    = `fallback_breaker_state{target="gpt-4o"}`
	spent         = `fallback_budget_spent{tenant="0f2c"}`
	limit         = `fallback_budget_limit{tenant="0f2c"}`
	waiting       = `fallback_jobs_waiting`
	oldest        = `fallback_jobs_oldest_seconds`
)

// healthy has 60 calls a minute for two hours. A tenant spends its budget evenly.
var healthy = map[string]string{
	plainCalls: "0+60x120", primaryOK: "0+60x120", primaryOpen: "0x120", backupOpen: "0x120",
	spent: "0+0.0166x120", limit: "24x120", waiting: "0x120", oldest: "0x120",
}

// scenarios are series that differ from healthy, and the alerts that fire at a time.
var scenarios = []struct {
	name   string
	differ map[string]string
	at     string // the time; default 20m
	want   []string
}{
	{name: "healthy", at: "1h"},
	{name: "no calls at all", differ: map[string]string{plainCalls: "0x120", primaryOK: "0x120"}},
	{name: "no metrics at all", differ: map[string]string{
		plainCalls: "", primaryOK: "", primaryOpen: "", backupOpen: "", spent: "", limit: "", waiting: "", oldest: "",
	}},

	{name: "12 % of the calls fall back", differ: map[string]string{plainCalls: "0+88x120", rescuedCalls: "0+12x120"}, want: []string{"FallbackRateHigh"}},
	{name: "9 % of the calls fall back", differ: map[string]string{plainCalls: "0+91x120", rescuedCalls: "0+9x120"}},
	{name: "nothing answers 12 % of the calls", differ: map[string]string{plainCalls: "0+88x120", failedCalls: "0+12x120"}, want: []string{"FallbackRateHigh"}},
	{name: "fallbacks and failures together are 12 %", differ: map[string]string{plainCalls: "0+88x120", failedCalls: "0+6x120", rescuedCalls: "0+6x120"}, want: []string{"FallbackRateHigh"}},
	{name: "nothing has ever answered", differ: map[string]string{plainCalls: "", primaryOK: "", failedCalls: "0+60x120"}, want: []string{"FallbackRateHigh"}},
	{name: "callers end most calls", differ: map[string]string{endedCalls: "0+600x120"}},
	{name: "fallbacks among calls that callers mostly end", differ: map[string]string{endedCalls: "0+600x120", rescuedCalls: "0+8x120"}, want: []string{"FallbackRateHigh"}},
	{name: "a spike shorter than for", at: "21m", differ: map[string]string{plainCalls: "0+60x19 1200+60x100", rescuedCalls: "0x20 60x100"}},
	{name: "an outage is over", at: "1h30m", differ: map[string]string{plainCalls: "0+60x30 1800x30 1800+60x60", rescuedCalls: "0x30 0+60x30 1800x60"}},
	{name: "while it lasted", at: "50m", differ: map[string]string{plainCalls: "0+60x30 1800x30 1800+60x60", rescuedCalls: "0x30 0+60x30 1800x60"}, want: []string{"FallbackRateHigh"}},

	{name: "6 % of the primary's attempts fail", differ: map[string]string{primaryOK: "0+94x120", primaryFails: "0+6x120"}, want: []string{"FallbackPrimaryErrors"}},
	{name: "4 % of the primary's attempts fail", differ: map[string]string{primaryOK: "0+96x120", primaryFails: "0+4x120"}},
	{name: "attempts that the caller or a hedge has ended", differ: map[string]string{primaryEnded: "0+30x120", primaryLost: "0+30x120"}},
	{name: "skipped attempts", differ: map[string]string{primarySkips: "0+30x120"}},
	{name: "a fallback's attempts fail", differ: map[string]string{`fallback_attempts_total{target="gpt-4o",outcome="failed",kind="server"}`: "0+30x120"}},
	{name: "three attempts at the primary, one of which fails, among calls that stay with a fallback", differ: map[string]string{
		primaryOK: "0+0.4x120", primaryFails: "0+0.2x120",
	}},
	{name: "the primary's breaker is open", differ: map[string]string{
		plainCalls: "0x120", primaryOK: "0x120", rescuedCalls: "0+60x120", backupOK: "0+60x120", primarySkips: "0+58x120", primaryFails: "0+2x120", primaryOpen: "2x120",
	}, want: []string{"FallbackPrimaryErrors", "FallbackRateHigh"}},
	{name: "the primary's breaker was open for a minute", differ: map[string]string{primaryOpen: "0x17 2x2 0x100"}},
	{name: "the primary's breaker is open at one of two replicas", differ: map[string]string{
		primaryOpen: "", `fallback_breaker_state{target="gemini-2.5-pro",instance="a"}`: "2x120", `fallback_breaker_state{target="gemini-2.5-pro",instance="b"}`: "0x120",
	}},

	{name: "all breakers are open", differ: map[string]string{
		plainCalls: "0x120", primaryOK: "0x120", degradedCalls: "0+60x120", primaryOpen: "2x120", backupOpen: "2 1 2x118",
	}, want: []string{"FallbackAllTargetsOpen", "FallbackDegradedAnswers", "FallbackPrimaryErrors", "FallbackRateHigh"}},
	{name: "all breakers are open at one of two replicas", differ: map[string]string{
		primaryOpen: "", `fallback_breaker_state{target="gemini-2.5-pro",instance="a"}`: "2x120", `fallback_breaker_state{target="gemini-2.5-pro",instance="b"}`: "0x120",
		backupOpen: "", `fallback_breaker_state{target="gpt-4o",instance="a"}`: "2x120", `fallback_breaker_state{target="gpt-4o",instance="b"}`: "0x120",
	}, want: []string{"FallbackAllTargetsOpen"}},
	{name: "each breaker is open somewhere", differ: map[string]string{
		primaryOpen: "", `fallback_breaker_state{target="gemini-2.5-pro",instance="a"}`: "2x120", `fallback_breaker_state{target="gemini-2.5-pro",instance="b"}`: "0x120",
		backupOpen: "", `fallback_breaker_state{target="gpt-4o",instance="a"}`: "0x120", `fallback_breaker_state{target="gpt-4o",instance="b"}`: "2x120",
	}},
	{name: "one breaker is closed, and that of a model outside the chain open", differ: map[string]string{backupOpen: "2x120", `fallback_breaker_state{target="grader"}`: "2x120"}},
	{name: "the breakers of the chain are open, and that of a model outside it closed", differ: map[string]string{
		primaryOpen: "2x120", backupOpen: "2x120", `fallback_breaker_state{target="grader"}`: "0x120",
	}, want: []string{"FallbackAllTargetsOpen", "FallbackPrimaryErrors"}},

	{name: "3 % of the answers are of last resort", differ: map[string]string{plainCalls: "0+97x120", degradedCalls: "0+3x120"}, want: []string{"FallbackDegradedAnswers"}},
	{name: "0.5 % of the answers are of last resort", differ: map[string]string{plainCalls: "0+199x120", degradedCalls: "0+1x120"}},

	{name: "everything fails, four times in five minutes", differ: map[string]string{
		plainCalls: "0x120", primaryOK: "0x120", degradedCalls: "0+0.8x120", primaryFails: "0+0.8x120", primaryOpen: "2x120", backupOpen: "2x120",
	}},
	{name: "after the last call, breakers stay open", differ: map[string]string{plainCalls: "0x120", primaryOK: "0x120", primaryOpen: "2x120", backupOpen: "2x120"}},

	{name: "85 % of a budget is spent", differ: map[string]string{spent: "20.4x120"}, want: []string{"FallbackBudgetSpent"}},
	{name: "75 % of a budget is spent", differ: map[string]string{spent: "18x120"}},
	{name: "one of two tenants has spent its budget", differ: map[string]string{`fallback_budget_spent{tenant="aa"}`: "5x120", `fallback_budget_limit{tenant="aa"}`: "5x120"}, want: []string{"FallbackBudgetSpent"}},
	{name: "a tenant without a limit", differ: map[string]string{`fallback_budget_spent{tenant="aa"}`: "0+100x120"}},
	{name: "calls without a tenant spend a budget", differ: map[string]string{`fallback_budget_spent`: "23x120", `fallback_budget_limit`: "24x120"}, want: []string{"FallbackBudgetSpent"}},
	{name: "two replicas with half of their own budgets each", differ: map[string]string{
		spent: "", limit: "", `fallback_budget_spent{tenant="aa",instance="a"}`: "12x120", `fallback_budget_limit{tenant="aa",instance="a"}`: "24x120",
		`fallback_budget_spent{tenant="aa",instance="b"}`: "12x120", `fallback_budget_limit{tenant="aa",instance="b"}`: "24x120",
	}},
	{name: "one of two replicas has spent its own budget", differ: map[string]string{
		spent: "", limit: "", `fallback_budget_spent{tenant="aa",instance="a"}`: "23x120", `fallback_budget_limit{tenant="aa",instance="a"}`: "24x120",
		`fallback_budget_spent{tenant="aa",instance="b"}`: "1x120", `fallback_budget_limit{tenant="aa",instance="b"}`: "24x120",
	}, want: []string{"FallbackBudgetSpent"}},
	{name: "a budget is spent in four hours", at: "1h", differ: map[string]string{spent: "0+0.1x120"}, want: []string{"FallbackBudgetBurn"}},
	{name: "a budget is spent in seven hours", at: "1h", differ: map[string]string{spent: "0+0.057x120"}},
	{name: "half a budget was spent in an hour, and then nothing", at: "1h10m", differ: map[string]string{spent: "0+0.2x60 12x60"}},
	{name: "a costly call in a calm hour", at: "1h", differ: map[string]string{spent: "0+0.005x57 0.8x60"}},
	{name: "a new day begins", at: "1h5m", differ: map[string]string{spent: "18+0.0166x60 0+0.0166x60"}},

	{name: "a job waits for 20 minutes", differ: map[string]string{waiting: "1x120", oldest: "1200x120"}, want: []string{"FallbackJobsWaiting"}},
	{name: "150 jobs wait", differ: map[string]string{waiting: "150x120", oldest: "60x120"}, want: []string{"FallbackJobsWaiting"}},
	{name: "a few young jobs wait", differ: map[string]string{waiting: "99x120", oldest: "840x120"}},

	{name: "deferred jobs get answers of last resort, again and again", differ: map[string]string{
		`fallback_calls_total{deferred="true",outcome="ok",fallback="true",degraded="template-response"}`: "0+6000x120", `fallback_calls_total{deferred="true",outcome="failed",fallback="false"}`: "0+6000x120",
	}},
	{name: "everything at once in another application", differ: map[string]string{
		`fallback_calls_total{job="other",deferred="false",outcome="ok",fallback="true",degraded="template-response"}`: "0+600x120", `fallback_breaker_state{job="other",target="gemini-2.5-pro"}`: "2x120",
		`fallback_breaker_state{job="other",target="gpt-4o"}`: "2x120", `fallback_attempts_total{job="other",target="gemini-2.5-pro",outcome="failed",kind="server"}`: "0+600x120",
		`fallback_budget_spent{job="other",tenant="0f2c"}`: "24x120", `fallback_budget_limit{job="other",tenant="0f2c"}`: "24x120", `fallback_jobs_waiting{job="other"}`: "500x120",
	}},
}

// Every alert fires in its scenario, alone unless another one is due, and is quiet in the
// others: at low traffic, below its threshold, and when the outage is over. B142
func TestAlertsFireInTheirScenarios(t *testing.T) {
	dir := t.TempDir()
	rules := rulesOf(t, parse(t, whole))
	write(t, filepath.Join(dir, "rules.yaml"), rules)
	test := filepath.Join(dir, "rules_test.yaml")
	write(t, test, scenarioFile())
	if out, err := promtool.Run(t, "test", "rules", test); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
	alerting, _ := read(t, rules)
	fired := make(map[string]bool)
	for _, s := range scenarios {
		for _, name := range s.want {
			fired[name] = true
		}
	}
	if names := slices.Sorted(maps.Keys(alerting)); !slices.Equal(names, slices.Sorted(maps.Keys(fired))) || len(names) != 7 {
		t.Errorf("alerts %q, and scenarios for %q", names, slices.Sorted(maps.Keys(fired)))
	}
}

// scenarioFile returns a test file for promtool: for each scenario its series, and the alerts
// that fire at its time.
// https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
func scenarioFile() string {
	var b strings.Builder
	b.WriteString("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n")
	for _, s := range scenarios {
		b.WriteString("- interval: 1m\n  input_series:\n")
		all := maps.Clone(healthy)
		maps.Copy(all, s.differ)
		for _, series := range slices.Sorted(maps.Keys(all)) {
			if values := all[series]; values != "" {
				fmt.Fprintf(&b, "  - {series: '%s', values: '%s'}\n", ofJob(series), values)
			}
		}
		fmt.Fprintf(&b, "  promql_expr_test:\n  - expr: 'count by (alertname) (ALERTS{alertstate=\"firing\"}) # %s'\n    eval_time: %s\n", strings.ReplaceAll(s.name, "'", "''"), cmp.Or(s.at, "20m"))
		for i, name := range s.want {
			if i == 0 {
				b.WriteString("    exp_samples:\n")
			}
			fmt.Fprintf(&b, "    - {labels: '{alertname=\"%s\"}', value: 1}\n", name)
		}
	}
	return b.String()
}

// ofJob adds the labels that Prometheus adds to the series of a scenario.
func ofJob(series string) string {
	name, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	if !strings.Contains(labels, "job=") {
		labels = `job="assistant",` + labels
	}
	if !strings.Contains(labels, "instance=") {
		labels = `instance="a",` + labels
	}
	return name + "{" + strings.TrimSuffix(labels, ",") + "}"
}
