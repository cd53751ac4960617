package alerts_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/promtool"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

var update = flag.Bool("update", false, "write testdata/*.rules.yaml anew")

// The rules of a policy with everything, and of one with nothing but a primary.
func TestRules(t *testing.T) {
	for name, policy := range map[string]string{"whole": whole, "bare": "primary: gemini-2.5-flash\n"} {
		golden := "testdata/" + name + ".rules.yaml"
		got := rulesOf(t, parse(t, policy))
		if *update {
			write(t, golden, got)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
		check(t, got)
	}
}

// Rules of the policies with every section pass promtool's checks.
func TestRulesOfEverySectionAreValid(t *testing.T) {
	for _, file := range []string{"../../plugin/fallback/policy/spec/testdata/good/full.yaml", "../../cmd/adk-fallback/testdata/everything.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		check(t, rulesOf(t, parse(t, string(data))))
	}
}

// A policy without the section has the alerts of an empty one, and an alert that cannot fire
// is omitted.
func TestAlertsOfAPolicy(t *testing.T) {
	for policy, want := range map[string][]string{
		"primary: a\n":             {"FallbackPrimaryErrors", "FallbackRateHigh"},
		"primary: a\nalerts: {}\n": {"FallbackPrimaryErrors", "FallbackRateHigh"},
		"primary: a\nalerts: {disable: [fallback_rate]}\ncircuit_breaker: {}\n": {"FallbackAllTargetsOpen", "FallbackPrimaryErrors"},
	} {
		alerting, _ := read(t, rulesOf(t, parse(t, policy)))
		if got := slices.Sorted(maps.Keys(alerting)); !slices.Equal(got, want) {
			t.Errorf("%s: alerts %q, want %q", policy, got, want)
		}
	}
}

// Each threshold, window and label of the section is in the rules.
func TestSettingsAreInTheRules(t *testing.T) {
	alerting, expressions := read(t, rulesOf(t, parse(t, strings.Split(whole, "alerts:")[0]+`
alerts:
  fallback_rate: 12.5%
  primary_errors: 7%
  degraded_answers: 3%
  budget_spent: 70%
  budget_burn: 2.5
  jobs_waiting: 42
  jobs_oldest: 90m
  window: 1h30m
  for: 0s
  min_calls: 7
  selector: {namespace: prod, job: "a|b"}
  labels: {team: search}
  page_severity: critical
  ticket_severity: warning
  runbook_url: https://wiki.example.com/runbooks/
`)))
	for name, want := range map[string]string{
		"FallbackRateHigh":      `{job="a|b",namespace="prod"} > 0.125` + "\n" + `and on () (fallback:calls:rate1h30m{job="a|b",namespace="prod"} * 5400 >= 7)`,
		"FallbackPrimaryErrors": " > 0.07\n", "FallbackDegradedAnswers": " > 0.03\n", "FallbackBudgetSpent": " > 0.7", "FallbackBudgetBurn": "[1h30m]) * 16\n",
		"FallbackJobsWaiting":    `_seconds{job="a|b",namespace="prod"}) > 5400` + "\nor " + `max(fallback_jobs_waiting{job="a|b",namespace="prod"}) > 42`,
		"FallbackAllTargetsOpen": ">= 1\nand on () (",
	} {
		r := alerting[name]
		if !strings.HasPrefix(r.Annotations["runbook_url"], "https://wiki.example.com/runbooks/") || strings.Contains(r.Annotations["runbook_url"], "runbooks//") {
			t.Errorf("%s: runbook %s", name, r.Annotations["runbook_url"])
		}
		if !strings.Contains(r.Expr, want) || r.For != "0s" || r.Labels["team"] != "search" {
			t.Errorf("%s: %+v, want %q in its expression, for 0s and team search", name, r, want)
		}
		delete(alerting, name)
	}
	if len(alerting) > 0 || !slices.ContainsFunc(expressions, func(e string) bool { return strings.Contains(e, `outcome!="cancelled",deferred="false"}[1h30m]`) }) {
		t.Errorf("alerts %v are not in this test, or the window is not used", alerting)
	}
}

// Severities and runbooks of the alerts; each page of a runbook exists.
func TestSeveritiesAndRunbooks(t *testing.T) {
	alerting, _ := read(t, rulesOf(t, parse(t, whole)))
	got := make(map[string]string)
	for name, r := range alerting {
		page := strings.TrimPrefix(r.Annotations["runbook_url"], "https://github.com/adk-fallback/adk-fallback/blob/main/")
		if text, err := os.ReadFile("../../" + page); err != nil || !strings.HasPrefix(string(text), "# "+name+"\n\nSeverity: "+r.Labels["severity"]+".") {
			t.Errorf("%s: error %v, or the page does not begin with the alert and its severity", page, err)
		}
		got[name] = r.Labels["severity"] + " " + page
	}
	want := map[string]string{
		"FallbackRateHigh":        "page samples/observability/runbooks/fallback-rate.md",
		"FallbackPrimaryErrors":   "page samples/observability/runbooks/primary-errors.md",
		"FallbackAllTargetsOpen":  "page samples/observability/runbooks/all-open.md",
		"FallbackDegradedAnswers": "ticket samples/observability/runbooks/degraded-answers.md",
		"FallbackBudgetSpent":     "ticket samples/observability/runbooks/budget-spent.md",
		"FallbackBudgetBurn":      "page samples/observability/runbooks/budget-burn.md",
		"FallbackJobsWaiting":     "ticket samples/observability/runbooks/jobs-waiting.md",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("severities and runbooks (-want +got):\n%s", diff)
	}
}

// What is recorded while all is well, and while half of the calls fall back: shares are 0
// rather than missing, so that a dashboard shows them.
func TestRecordedShares(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), rulesOf(t, parse(t, whole)))
	const time = `fallback_attempt_duration_seconds_bucket{target="gemini-2.5-pro",outcome="ok",le=`
	var b strings.Builder
	b.WriteString("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n")
	for _, test := range []struct {
		series, want map[string]string
	}{
		{map[string]string{plainCalls: "0+60x20", primaryOK: "0+60x20", time + `"1"}`: "0+30x20", time + `"2"}`: "0+60x20", time + `"+Inf"}`: "0+60x20"}, map[string]string{
			`fallback:calls:rate5m{job="assistant"}`: "1", `fallback:availability:ratio_rate5m{job="assistant"}`: "1",
			`fallback:fallbacks:ratio_rate5m{job="assistant"}`: "0", `fallback:degraded:ratio_rate5m{job="assistant"}`: "0",
			`fallback:target_attempts:rate5m{job="assistant",target="gemini-2.5-pro"}`: "1", `fallback:target_errors:ratio_rate5m{job="assistant",target="gemini-2.5-pro"}`: "0",
			`fallback:target_duration_seconds:quantile_rate5m{job="assistant",target="gemini-2.5-pro",quantile="0.5"}`:  "1",
			`fallback:target_duration_seconds:quantile_rate5m{job="assistant",target="gemini-2.5-pro",quantile="0.95"}`: "1.9",
		}},
		{map[string]string{plainCalls: "0+30x20", degradedCalls: "0+15x20", failedCalls: "0+15x20", primaryOK: "0+30x20", primaryFails: "0+30x20"}, map[string]string{
			`fallback:calls:rate5m{job="assistant"}`: "1", `fallback:availability:ratio_rate5m{job="assistant"}`: "0.75",
			`fallback:fallbacks:ratio_rate5m{job="assistant"}`: "0.5", `fallback:degraded:ratio_rate5m{job="assistant"}`: "0.25",
			`fallback:target_errors:ratio_rate5m{job="assistant",target="gemini-2.5-pro"}`: "0.5",
		}},
		{map[string]string{failedCalls: "0+60x20", primaryFails: "0+60x20"}, map[string]string{
			`fallback:availability:ratio_rate5m{job="assistant"}`: "0", `fallback:fallbacks:ratio_rate5m{job="assistant"}`: "1",
			`fallback:target_errors:ratio_rate5m{job="assistant",target="gemini-2.5-pro"}`: "1",
		}},
	} {
		b.WriteString("- interval: 1m\n  input_series:\n")
		for series, values := range test.series {
			fmt.Fprintf(&b, "  - {series: '%s', values: '%s'}\n", ofJob(series), values)
		}
		b.WriteString("  promql_expr_test:\n")
		for series, value := range test.want {
			fmt.Fprintf(&b, "  - expr: '%s'\n    eval_time: 20m\n    exp_samples: [{labels: '%[1]s', value: %s}]\n", series, value)
		}
	}
	test := filepath.Join(dir, "rules_test.yaml")
	write(t, test, b.String())
	if out, err := promtool.Run(t, "test", "rules", test); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

// What a person reads: the annotations with their values.
func TestAnnotationsAreReadable(t *testing.T) {
	const runbooks = "https://github.com/adk-fallback/adk-fallback/blob/main/samples/observability/runbooks/"
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), rulesOf(t, parse(t, whole)))
	var b strings.Builder
	b.WriteString("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n")
	for series, values := range map[string]string{
		plainCalls: "0+60x70", degradedCalls: "0+20x70", primaryOK: "0+60x70", primaryFails: "0+20x70", primaryOpen: "2x70", backupOpen: "2x70", spent: "0+0.32x70", limit: "24x70", oldest: "1200x70",
	} {
		fmt.Fprintf(&b, "  - {series: '%s', values: '%s'}\n", ofJob(series), values)
	}
	b.WriteString("  alert_rule_test:\n")
	for _, a := range []struct{ name, severity, labels, page, summary, description string }{
		{"FallbackRateHigh", "page", "", "fallback-rate", "Many calls are not answered by the primary model",
			"A fallback answered 25% of the calls of the last 5m, or nothing answered them; the threshold is 10%."},
		{"FallbackPrimaryErrors", "page", "target: gemini-2.5-pro", "primary-errors", "The primary model fails",
			"More than 5% of the attempts at gemini-2.5-pro failed in the last 5m, or its circuit breaker has been open since then."},
		{"FallbackAllTargetsOpen", "page", "instance: a", "all-open", "The circuit breakers of all models are open",
			"No model takes calls on a, except for single probes. Users get answers of last resort, or errors."},
		{"FallbackDegradedAnswers", "ticket", "", "degraded-answers", "Users get answers of last resort",
			"25% of the calls of the last 5m ended with an answer of last resort, not one of a model; the threshold is 1%."},
		{"FallbackBudgetSpent", "ticket", "tenant: 0f2c", "budget-spent", "A daily budget is almost spent",
			"Of its budget for today, tenant 0f2c has spent 82.67%; the threshold is 80%. A tenant's label is a hash of its name."},
		{"FallbackBudgetBurn", "page", "tenant: 0f2c", "budget-burn", "A daily budget is being spent fast",
			"In the last 1h, tenant 0f2c has spent its budget 19.2 times faster than evenly over the day; the threshold is 4."},
		{"FallbackJobsWaiting", "ticket", "", "jobs-waiting", "Deferred answers are waiting",
			"A deferred answer has waited for more than 15m, or more than 100 are waiting."},
	} {
		fmt.Fprintf(&b, "  - alertname: %s\n    eval_time: 62m\n    exp_alerts:\n    - exp_labels: {job: assistant, team: search, severity: %s, %s}\n      exp_annotations: {summary: %q, description: %q, runbook_url: %q}\n",
			a.name, a.severity, a.labels, a.summary, a.description, runbooks+a.page+".md")
	}
	test := filepath.Join(dir, "rules_test.yaml")
	write(t, test, b.String())
	if out, err := promtool.Run(t, "test", "rules", test); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

// hostile are names that end strings, selectors, expressions, templates or documents.
var hostile = []string{
	`a"} or vector(1) #`, `a\`, "a\nb", "a'b", "a: b", "- a", "{{ .Labels }}", "{{ fail }}", "a{b}", "a|b.*", "(a", "[a", "*a", "&a", "!a", "%a", "@a", "`a`", "a # b",
	"a\tb", "a\x00b", "a\u202eb", "a\u2028b", "a\u0085b", "\ufeffa", "株式会社", "</script>", "null", "~", "1e3", "", " ", strings.Repeat("ä", 200), strings.Repeat(`\`, 200),
}

// Whatever names and labels are, the rules are valid and mean these names. No file can have
// most of them; a policy that is made in Go can. B141
func TestHostileNames(t *testing.T) {
	all := *parse(t, strings.Replace(whole, "{selector: {job: assistant}, labels: {team: search}}", "{}", 1))
	for _, name := range hostile {
		p := all
		p.Primary = "m" + name
		p.Fallbacks = append([]spec.Entry{{Name: name + "m"}}, p.Fallbacks...)
		set := *all.Alerts
		set.Selector, set.Labels = map[string]string{"job": name}, map[string]string{"team": name}
		set.PageSeverity, set.TicketSeverity, set.RunbookURL = name, name, "https://wiki.example.com/"+name
		p.Alerts = &set

		rules := rulesOf(t, &p)
		check(t, rules)
		alerting, expressions := read(t, rules)
		if len(alerting) != 7 || len(expressions) != 19 {
			t.Errorf("%q: %d alerts and %d rules, want 7 and 19", name, len(alerting), len(expressions))
		}
		if got := strings.ReplaceAll(alerting["FallbackRateHigh"].Labels["team"], `{{"{{"}}`, "{{"); got != name {
			t.Errorf("label %q, want %q", got, name)
		}
	}
}

// The expressions select the targets of a policy alone, however their names are written.
func TestTargetsAreMatchedExactly(t *testing.T) {
	p := parse(t, "primary: gpt-4.o|x\nfallbacks: [{name: a+b}, {name: alias}, {name: template-response}]\naliases: {alias: Müller/modell}\ncircuit_breaker: {}\n"+
		"experiments: {e: {arms: [{model: gpt-4.o|x, share: 50%}, {model: arm, share: 50%}]}}\ncascade: {model: cheap, judge: stated, grader: grades}\n")
	alerting, _ := read(t, rulesOf(t, p))
	for alert, want := range map[string][]string{
		"FallbackPrimaryErrors": {"gpt-4.o|x", "arm"}, "FallbackAllTargetsOpen": {"gpt-4.o|x", "arm", "cheap", "a+b", "Müller/modell"},
	} {
		quoted := regexp.MustCompile(`target=~("(?:[^"\\]|\\.)*")`).FindStringSubmatch(alerting[alert].Expr)
		if quoted == nil {
			t.Fatalf("%s: %s names no target", alert, alerting[alert].Expr)
		}
		var expression string
		if _, err := fmt.Sscanf(quoted[1], "%q", &expression); err != nil {
			t.Fatal(err)
		}
		matches := regexp.MustCompile("^(?:" + expression + ")$") // as Prometheus does
		var got []string
		for _, name := range []string{"gpt-4.o|x", "gpt-4", "gpt-4xo|x", "x", "arm", "cheap", "grades", "a+b", "aab", "alias", "Müller/modell", "template-response"} {
			if matches.MatchString(name) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s matches (-want +got):\n%s", alert, diff)
		}
	}
}

// Equal policies have equal rules.
func TestRulesAreDeterministic(t *testing.T) {
	p := parse(t, "primary: a\nalerts: {selector: {a: x, b: x, c: x, d: x}, labels: {e: y, f: y, g: y, h: y}}\n")
	first := rulesOf(t, p)
	for range 20 {
		if again := rulesOf(t, p); again != first {
			t.Fatalf("other rules (-first +again):\n%s", cmp.Diff(first, again))
		}
	}
}

// Durations are written as Prometheus reads them.
func TestDurations(t *testing.T) {
	for _, d := range []time.Duration{0, time.Second, 90 * time.Second, time.Hour, 90 * time.Minute, 24 * time.Hour, 61*time.Second + 500*time.Millisecond + 300*time.Microsecond} {
		p := parse(t, "primary: a\nalerts: {}\n")
		p.Alerts.For = d
		alerting, _ := read(t, rulesOf(t, p))
		got, err := time.ParseDuration(alerting["FallbackRateHigh"].For)
		if err != nil || got != d.Truncate(time.Millisecond) {
			t.Errorf("%v is %q (%v)", d, alerting["FallbackRateHigh"].For, err)
		}
	}
}
