package simulate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/internal/simulate"
	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// build builds a policy whose models are all scripted.
func build(p *spec.Policy, of func(string) model.LLM, opts ...policy.Option) (*policy.Live, error) {
	models := policy.Models{}
	for _, name := range []string{"flash", "pro", "lite"} {
		models[name] = of(name)
	}
	return policy.NewLive(context.Background(), p, append(opts, models)...)
}

func simulated(t *testing.T, file string, calls int, policies ...string) *report.Report {
	t.Helper()
	s, err := scenario.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	c := simulate.Config{Scenario: s, Name: "test", Build: build, Calls: calls}
	known := spec.Known{Model: func(string) bool { return true }}
	for _, text := range policies {
		p, err := known.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c.Policies = append(c.Policies, simulate.Policy{Name: "policy", Spec: p})
	}
	r, err := simulate.Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	chain = `
primary: flash
fallbacks: [{name: lite}, {name: pro}, {name: template-response}]
timeouts: {primary: 4s, fallback: 4s}
circuit_breaker: {failure_threshold: 5, backoff: 30s}
retry: {max_attempts: 3}
hedge: {target: lite}
`
	trouble = `
length: 40m
traffic: {rps: 20, questions: 1000, tenants: {a: 60%, b: 40%}, priorities: {paid: 10%, free: 90%}}
models:
  primary: {errors: {server: 1%, silence: 0.5%, cut: 0.5%, network: 0.5%}, quota: {requests_per_minute: 1300}}
events:
  - {name: outage, at: 10m, for: 10m, models: [primary], errors: {overloaded: 90%}, slower: 3, herd: {times: 3}}
`
)

// The same seed gives the same report, byte for byte, on one processor and on two; another
// seed gives another.
func TestSameSeedSameReport(t *testing.T) {
	text := func(procs int, scenario string) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		r := simulated(t, scenario, race.Runs(6000), chain)
		var out bytes.Buffer
		if err := json.NewEncoder(&out).Encode(r); err != nil {
			t.Fatal(err)
		}
		if err := r.Print(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	want := text(2, trouble)
	for _, procs := range []int{1, 2, 2} {
		if diff := cmp.Diff(want, text(procs, trouble)); diff != "" {
			t.Fatalf("GOMAXPROCS %d:\n%s", procs, diff)
		}
	}
	if want == text(2, trouble+"seed: 2\n") {
		t.Error("another seed gives the same report")
	}
}
