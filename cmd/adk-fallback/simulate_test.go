package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
)

// guarded is a policy that a team would have.
const guarded = `
primary: gemini-2.5-flash
fallbacks:
  - {name: gpt-5-mini, condition: "error || latency > 5s || cost > 0.005"}
  - {name: template-response}
timeouts: {primary: 8s, fallback: 10s}
circuit_breaker: {failure_threshold: 5, backoff: 30s, probe: true}
retry: {max_attempts: 2}
`

// reported is a report as --json prints it: times are seconds.
type reported struct {
	Sampling report.Sampling
	Runs     []struct {
		Name                                                 string
		Available, Degraded, Failed, Fallback, Amplification float64
		CostUSD                                              float64                    `json:"cost_usd"`
		Whole                                                struct{ P50, P95 float64 } `json:"whole_answer_seconds"`
		Recoveries                                           []struct {
			Impaired float64  `json:"impaired_seconds"`
			Back     *float64 `json:"back_seconds"`
		}
	}
	Notes []string
}

func simulated(t *testing.T, args ...string) reported {
	t.Helper()
	out, err := run(t, "", append([]string{"simulate", "--json"}, args...)...)
	var r reported
	if err != nil || json.Unmarshal([]byte(out), &r) != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("error %v, output %q; want one JSON object", err, out)
	}
	return r
}

// What each built-in scenario shows: with a policy, and without one.
func TestScenariosShowWhatTheyAreFor(t *testing.T) {
	policy := write(t, guarded)
	for name, test := range map[string]struct {
		available, without float64       // at least, and at most
		whole95            time.Duration // at most
		impaired, back     time.Duration // at most, after the event
		calls              string
	}{
		"regional-outage":     {0.998, 0.96, 5 * time.Second, time.Minute, 5 * time.Minute, "15000"},
		"daily-quota-at-noon": {0.998, 0.25, 5 * time.Second, 0, 0, "10000"},
		"slow-primary":        {0.998, 1, 8 * time.Second, time.Minute, 3 * time.Minute, "8000"},
		"flapping-primary":    {0.998, 0.88, 8 * time.Second, time.Minute, 3 * time.Minute, "10000"},
		"herd-at-recovery":    {0.998, 0.90, 6 * time.Second, time.Minute, 15 * time.Minute, "20000"},
		"price-spike":         {0.998, 0.9995, 5 * time.Second, time.Minute, 35 * time.Minute, "10000"},
	} {
		t.Run(name, func(t *testing.T) {
			if race.Enabled && name != "regional-outage" {
				t.Skip("takes too long under the race detector; run it without -race")
			}
			r := simulated(t, policy, "--scenario", name, "--calls", test.calls)
			with, without := r.Runs[0], r.Runs[1]
			if with.Available < test.available || without.Available > test.without {
				t.Errorf("available %.4f with and %.4f without a policy, want at least %v and at most %v", with.Available, without.Available, test.available, test.without)
			}
			if with.Amplification > 1.1 {
				t.Errorf("amplification %.3f, want at most 1.1", with.Amplification)
			}
			if with.Whole.P95 > test.whole95.Seconds() {
				t.Errorf("p95 is %v s, want at most %v", with.Whole.P95, test.whole95)
			}
			for _, e := range with.Recoveries {
				if e.Impaired > test.impaired.Seconds() || e.Back == nil || *e.Back > test.back.Seconds() {
					t.Errorf("impaired for %v s and back after %v, want at most %v and %v", e.Impaired, e.Back, test.impaired, test.back)
				}
			}
			switch name {
			case "slow-primary":
				if without.Whole.P95 < 2*with.Whole.P95 {
					t.Errorf("p95 is %v s without and %v s with a policy, want at least twice", without.Whole.P95, with.Whole.P95)
				}
			case "price-spike":
				if with.CostUSD > 0.8*without.CostUSD {
					t.Errorf("$%.0f with and $%.0f without a policy, want 20 %% less", with.CostUSD, without.CostUSD)
				}
			}
		})
	}
}

func TestSimulateListsItsScenarios(t *testing.T) {
	out, err := run(t, "", "simulate", "--list")
	if err != nil || strings.Count(out, "\n") != 6 {
		t.Errorf("error %v, output:\n%s", err, out)
	}
	for _, name := range []string{"regional-outage", "daily-quota-at-noon", "slow-primary", "flapping-primary", "herd-at-recovery", "price-spike"} {
		if !strings.Contains(out, name+" ") {
			t.Errorf("--list lacks %s:\n%s", name, out)
		}
	}
}

// Several policies are compared in one table, and the same run is the same text and page.
func TestSimulateComparesPolicies(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for name, text := range map[string]string{"one.yaml": "primary: gpt-5\n", "two.yaml": guarded} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	scenario := write(t, "length: 10m\ntraffic: {rps: 3}\nmodels: {primary: {errors: {server: 5%}}}\n")
	page := filepath.Join(dir, "report.html")
	once := func() (string, string) {
		out, err := run(t, "", append([]string{"simulate", "--scenario", scenario, "--html", page}, files...)...)
		if err != nil {
			t.Fatal(err)
		}
		html, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		return out, string(html)
	}
	text, html := once()
	for _, want := range append(files, "without", "amplification", "whole answer p99", "cost") {
		if !strings.Contains(text, want) || !strings.Contains(html, filepath.Base(want)) {
			t.Errorf("the text or the page lacks %q:\n%s", want, text)
		}
	}
	if again, page := once(); again != text || page != html {
		t.Error("the same run gives another report")
	}
	seeded, err := run(t, "", "simulate", "--scenario", scenario, "--seed", "5", files[0])
	if err != nil || seeded == text {
		t.Errorf("error %v, or --seed has no effect", err)
	}
}

func TestSimulateExplainsMistakes(t *testing.T) {
	good, bad, scenario := write(t, "primary: gpt-5\n"), write(t, "primary: 5\n"), write(t, "traffic: {rps: 1, nigth: 5%}\n")
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{good}, exitUsage, "simulate needs --scenario; --list prints the built-in ones"},
		{[]string{"--scenario", "slow-primary"}, exitUsage, "simulate needs at least one FILE"},
		{[]string{"--scenario", "slow-primry", good}, exitUsage, "did you mean slow-primary?"},
		{[]string{"--scenario", "slow-primary", good, good}, exitUsage, "is given twice"},
		{[]string{"--scenario", "slow-primary", "--calls", "5", good}, exitUsage, "--calls is 5; it must be from 100 to 20000000"},
		{[]string{"--scenario", "slow-primary", "--seed", "-1", good}, exitUsage, "--seed is -1"},
		{[]string{"--scenario", "slow-primary", "--calls", "x", good}, exitUsage, "it must be a whole number"},
		{[]string{"--scenario", "slow-primary", "none.yaml"}, exitUsage, "none.yaml"},
		{[]string{"--scenario", "slow-primary", bad}, exitProblems, "the policy has errors"},
		{[]string{"--scenario", scenario, good}, exitProblems, "the scenario has errors"},
		{[]string{"--scenario", "slow-primary", "--require", "availble >= 99%", good}, exitUsage, `--require: "availble >= 99%": there is no figure availble; did you mean available?`},
		{[]string{"--scenario", "slow-primary", "--html", good, good}, exitUsage, "--html: " + good + " is an input"},
		{[]string{"--scenario", scenario, "--html", scenario, good}, exitUsage, "--html: " + scenario + " is an input"},
		{[]string{"--scenario", "-", "-"}, exitUsage, "- is given twice"},
		{[]string{"--scenario", "slow-primary", "-", "-"}, exitUsage, "- is given twice"},
		{[]string{"--list", good}, exitUsage, "take no FILE"},
		{[]string{"--list", "--schema"}, exitUsage, "exclude each other"},
	} {
		out, err := run(t, "", append([]string{"simulate"}, test.args...)...)
		if exitStatus(err) != test.status || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: status %d, error %v; want status %d and %q", test.args, exitStatus(err), err, test.status, test.want)
		}
		if errors.Is(err, errScenario) && !strings.Contains(out, scenario+":1:19: traffic: unknown key") {
			t.Errorf("the mistake has no place: %q", out)
		}
	}
}

func TestScenarioIsReadFromStandardInput(t *testing.T) {
	policy := write(t, "primary: gpt-5\n")
	for input, want := range map[string]string{
		"length: 1m\ntraffic: {rps: 10}\n": "scenario  <stdin>\n", "traffic: {rps: 0}\n": "<stdin>:1:16: traffic.rps: must be ",
	} {
		if out, err := run(t, input, "simulate", "--scenario", "-", policy); !strings.HasPrefix(out, want) {
			t.Errorf("%q: error %v, output %q; want it to begin with %q", input, err, out, want)
		}
	}
}

func TestSimulatePrintsItsSchema(t *testing.T) {
	out, err := run(t, "", "simulate", "--schema")
	if err != nil || !json.Valid([]byte(out)) || !strings.Contains(out, `"known_after"`) {
		t.Errorf("error %v, output %.200q", err, out)
	}
}

// Every section of a policy is simulated, and gives the same report again.
func TestEverySectionIsRepeatable(t *testing.T) {
	scenario := write(t, `
length: 30m
replicas: 4
traffic: {rps: 2, questions: 200, tenants: {acme: 50%, beta: 50%}, priorities: {paid: 20%, free: 80%}}
models:
  primary: {errors: {server: 2%, rate_limit: 2%, cut: 2%, silence: 1%}, wrong: 5%}
  fallback: {errors: {overloaded: 5%}, wrong: 20%, judges: 90%}
events: [{name: out, at: 10m, for: 10m, models: [primary], errors: {overloaded: 95%}, herd: {times: 3}}]
`)
	once := func() string {
		out, err := run(t, "", "simulate", "--scenario", scenario, "--calls", "1000", "testdata/everything.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := once()
	for range 2 {
		if again := once(); again != first {
			t.Fatalf("the report is\n%s\nand then\n%s", first, again)
		}
	}
	if strings.Contains(first, "available  0.000%") {
		t.Errorf("no model answers:\n%s", first)
	}
}

// A policy that misses a bound is an error with the status of a policy with errors. The report
// is printed all the same.
func TestSimulateRequires(t *testing.T) {
	alone, policy := write(t, "primary: gemini-2.5-flash\n"), write(t, guarded)
	scenario := write(t, "length: 10m\ntraffic: {rps: 3}\nmodels: {primary: {errors: {server: 20%}}}\n")
	for _, test := range []struct {
		require []string
		files   []string
		status  int
		want    []string // in the output
		message string
	}{
		{[]string{"available >= 99.9%", "cost <= 200% of without"}, []string{policy}, 0, []string{"\nmet: " + policy + ": available is 100.000% (without: ", "\nmet: " + policy + ": cost is $"}, ""},
		{[]string{"available >= 99.9%", "amplification <= 1.5"}, []string{policy, alone}, exitProblems, []string{"\nmet: " + policy + ": available", "\nmissed: " + alone + ": available is ", "whole answer p99"}, "simulate: the policies miss 1 of 4 bounds"},
	} {
		args := append([]string{"simulate", "--scenario", scenario}, test.files...)
		for _, bound := range test.require {
			args = append(args, "--require", bound)
		}
		out, err := run(t, "", args...)
		if exitStatus(err) != test.status || test.message != "" && err.Error() != test.message {
			t.Errorf("%q: status %d, error %v; want %d and %q", test.require, exitStatus(err), err, test.status, test.message)
		}
		for _, want := range test.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: the report lacks %q:\n%s", test.require, want, out)
			}
		}
	}
}
