package simulate_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/simulate/report"
)

// near reports whether two shares differ by at most by.
func near(a, b, by float64) bool { return math.Abs(a-b) <= by }

// A sample has the figures of the whole: quotas of the provider and limits of the policy are
// divided.
func TestSampleHasTheFiguresOfTheWhole(t *testing.T) {
	const file = `
length: 10m
traffic: {rps: 15, output_tokens: {p50: 50, p99: 100}}
models: {primary: {quota: {requests_per_minute: 600}}}
`
	const limited = "primary: flash\nfallbacks: [{name: pro}]\nmodels: {flash: {rate_limits: {requests_per_minute: 300, queue: 1, queue_timeout: 1ms}}}\n"
	all, part := simulated(t, file, 1e6, limited), simulated(t, file, 750, limited)
	if all.Sampling.Each != 1 || part.Sampling.Each != 12 || len(all.Notes) != 1 {
		t.Fatalf("a call stands for %v and %v calls with notes %q, want 1 and 12, and a note on prices alone for the first", all.Sampling.Each, part.Sampling.Each, all.Notes)
	}
	for _, r := range []*report.Report{all, part} {
		policy, without := r.Runs[0], r.Runs[1]
		if !near(policy.Fallback, 600./900, 0.06) || policy.Available != 1 {
			t.Errorf("each %v: fallback rate %.3f and %.3f available, want about 0.667 by the limit, and 1", r.Sampling.Each, policy.Fallback, policy.Available)
		}
		if !near(without.Available, 600./900, 0.06) {
			t.Errorf("each %v: %.3f available without a policy, want about 0.667 by the quota", r.Sampling.Each, without.Available)
		}
	}
}

// A policy that is only a primary gives what the primary alone gives, to the nanosecond.
func TestPoliciesMeetTheSameCalls(t *testing.T) {
	r := simulated(t, trouble, 3000, "primary: flash\n", "primary: flash\nretry: {max_attempts: 3}\n")
	same, retried, without := r.Runs[0], r.Runs[1], r.Runs[2]
	if same.FirstContent != without.FirstContent || same.Whole != without.Whole || same.Available != without.Available || same.Amplification != 1 {
		t.Errorf("the primary as a policy gives %v, %v and %v, alone %v, %v and %v", same.FirstContent, same.Whole, same.Available, without.FirstContent, without.Whole, without.Available)
	}
	if retried.Available <= without.Available || retried.Amplification <= 1 {
		t.Errorf("retries give %.3f available at amplification %.3f, want more than %.3f and 1", retried.Available, retried.Amplification, without.Available)
	}
}

// What a provider returns is classified as the real error.
func TestFailuresAreTheRealOnes(t *testing.T) {
	for kind, want := range map[string]string{
		"overloaded": "overloaded", "capacity": "capacity", "server": "server", "rate_limit": "rate_limit", "timeout": "timeout", "auth": "auth",
		"network": "network", "silence": "timeout", "cut": "network",
	} {
		r := simulated(t, "length: 1m\ntraffic: {rps: 1}\nmodels: {primary: {errors: {"+kind+": 100%}}}\n", 1000, "primary: flash\n")
		without := r.Runs[1]
		if without.Failed != 1 || len(without.Reasons) != 1 || without.Reasons[want] == 0 || without.Models[0].Failures[kind] == 0 {
			t.Errorf("%s: %.3f failed, reasons %v, failures %v, want all as %s", kind, without.Failed, without.Reasons, without.Models[0].Failures, want)
		}
	}
	for quota, want := range map[string]string{"requests_per_minute: 30": "rate_limit", "tokens_per_minute: 20000": "rate_limit", "requests_per_day: 30": "quota"} {
		r := simulated(t, "length: 5m\ntraffic: {rps: 2}\nmodels: {primary: {quota: {"+quota+"}}}\n", 1000, "primary: flash\n")
		if without := r.Runs[1]; len(without.Reasons) != 1 || without.Reasons[want] == 0 || without.Available == 0 {
			t.Errorf("%s: %.3f available, reasons %v, want some, and %s", quota, without.Available, without.Reasons, want)
		}
	}
}

// An outage: a policy answers from a fallback, its calls come back, and it adds little load.
func TestRecoveryIsMeasured(t *testing.T) {
	r := simulated(t, `
length: 1h
traffic: {rps: 5, output_tokens: {p50: 50, p99: 100}}
models: {primary: {tags: [eu]}}
events: [{name: outage, at: 20m, for: 10m, models: [eu], errors: {overloaded: 100%}}]
`, 1e6, "primary: flash\nfallbacks: [{name: pro}]\ncircuit_breaker: {failure_threshold: 3, backoff: 30s}\n")
	policy, without := r.Runs[0], r.Runs[1]
	if policy.Available != 1 || !near(without.Available, 5./6, 0.02) || !near(policy.Fallback, 1./6, 0.03) || policy.Amplification > 1.1 {
		t.Errorf("available %.3f and %.3f, fallback rate %.3f, amplification %.3f", policy.Available, without.Available, policy.Fallback, policy.Amplification)
	}
	got, alone := policy.Recoveries[0], without.Recoveries[0]
	if got.Impaired != 0 || got.Back == nil || got.Back.Duration() > time.Minute {
		t.Errorf("impaired for %v and back after %v, want none, and at most the backoff", got.Impaired.Duration(), got.Back)
	}
	if d := alone.Impaired.Duration(); d < 9*time.Minute || d > 11*time.Minute || alone.Back != nil {
		t.Errorf("without a policy impaired for %v, want about ten minutes", d)
	}
}

// Requests of the policy itself count for the load, one for each process.
func TestProbesCount(t *testing.T) {
	const file = `
length: 10m
replicas: 10
traffic: {rps: 10}
models: {primary: {errors: {server: 100%}}}
`
	r := simulated(t, file, 600, "primary: flash\nfallbacks: [{name: pro}]\ncircuit_breaker: {failure_threshold: 2, backoff: 10s, probe: true}\n")
	flash := r.Runs[0].Models[0]
	if flash.Name != "flash" || flash.Extra < 10 || flash.Requests > 10 {
		t.Errorf("%s got %d requests and %d probes, want few and some", flash.Name, flash.Requests, flash.Extra)
	}
	want := float64(r.Sampling.Calls) + float64(flash.Extra) + float64(flash.Requests)
	if got := r.Runs[0].Amplification * float64(r.Sampling.Calls); !near(got, want, 1) {
		t.Errorf("%.1f requests in all, want %.1f", got, want)
	}
}

// A policy reacts to a new price when it is reloaded with it.
func TestPriceChangesAreKnownAfterAReload(t *testing.T) {
	const (
		policy = "primary: flash\nfallbacks: [{name: pro, condition: 'error || cost > 0.01'}]\nmodels: {flash: {price: {input: 1, output: 1}}, pro: {price: {input: 2, output: 2}}}\n"
		file   = "length: 1h\ntraffic: {rps: 1, input_tokens: {p50: 1000, p99: 1000}, output_tokens: {p50: 100, p99: 100}}\nevents: [{name: price, at: 20m, for: 20m, models: [primary], price: {times: 20"
	)
	known, unknown := simulated(t, file+", known_after: 10m}}]\n", 1e6, policy), simulated(t, file+"}}]\n", 1e6, policy)
	if got := known.Runs[0].Fallback; !near(got, 1./3, 0.03) {
		t.Errorf("fallback rate %.3f, want a third: it is known from 10 minutes after the change to 10 minutes after its end", got)
	}
	if got := unknown.Runs[0].Fallback; got != 0 {
		t.Errorf("fallback rate %.3f, want none without a reload", got)
	}
	if with, without := known.Runs[0].CostUSD, known.Runs[1].CostUSD; with > 0.65*without {
		t.Errorf("$%.2f with the policy and $%.2f without", with, without)
	}
	if a, b := known.Runs[1].CostUSD, unknown.Runs[1].CostUSD; a != b {
		t.Errorf("$%.4f and $%.4f without a policy, want the same", a, b)
	}
}

// A model without a known price is named, in the run that calls it and in a note.
func TestUnknownPricesAreNamed(t *testing.T) {
	const policy = "primary: flash\nfallbacks: [{name: pro}, {name: lite}]\nmodels: {flash: {price: {input: 1, output: 1}}}\n"
	r := simulated(t, "length: 10m\ntraffic: {rps: 1}\nevents: [{name: down, at: 1m, for: 2m, models: [primary], errors: {server: 100%}}]\n", 1e6, policy)
	if got := r.Runs[0].Unpriced; len(got) != 1 || got[0] != "pro" || len(r.Runs[1].Unpriced) != 0 {
		t.Errorf("%v and %v without a policy, want pro and none", got, r.Runs[1].Unpriced)
	}
	if want := "The price is unknown for pro. A cost without it meets no bound. Set price in the policy or in the scenario."; !slices.Contains(r.Notes, want) {
		t.Errorf("notes %q lack %q", r.Notes, want)
	}
}

// A cache has something to do if questions repeat, in a sample as in the whole.
func TestQuestionsRepeat(t *testing.T) {
	const policy = "primary: flash\ncache: {ttl: 1h}\n"
	hits := func(questions string, calls int) float64 {
		r := simulated(t, "length: 20m\ntraffic: {rps: 5, "+questions+"}\n", calls, policy)
		return 1 - float64(r.Runs[0].Models[0].Requests)/float64(r.Sampling.Calls)
	}
	all, part := hits("questions: 2000", 1e6), hits("questions: 2000", 1000)
	if all < 0.5 || !near(all, part, 0.15) {
		t.Errorf("%.2f hits of all calls and %.2f of a sample, want many, and about the same", all, part)
	}
	if none := hits("streamed: 0%", 1e6); none != 0 {
		t.Errorf("%.2f hits without repeated questions", none)
	}
}

func TestNotesSayWhatIsCoarse(t *testing.T) {
	const policy = `
primary: flash
circuit_breaker: {failure_threshold: 10, failure_ratio: 50%, min_requests: 100, window: 10s}
rate_limits: {requests_per_minute: 200}
budgets: {usd_per_day: 1}
models: {flash: {price: {input: 1, output: 1}}}
`
	r := simulated(t, "length: 1h\ntraffic: {rps: 50}\nmodels: {primary: {capacity: 300}, flsh: {}}\nevents: [{name: e, at: 1m, models: [eu], slower: 2}]\n", 2000, policy)
	text := strings.Join(r.Notes, "\n")
	for _, want := range []string{
		"A process has 50 calls per second at the peak; the simulated one has 0.556.", "opens after 10 failures in a row opens about 17.8s later", "failure_ratio never opens",
		"smallest limit divides to", "smallest budget divides to $0.011", "models.primary: its capacity",
		"models.flsh is not a model of a policy", "The event e concerns no model",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the notes lack %q:\n%s", want, text)
		}
	}
}

// Calls that nothing answers end when the caller gives up, and cost nothing.
func TestCallersGiveUp(t *testing.T) {
	r := simulated(t, "length: 5m\ntraffic: {rps: 1, patience: 3s}\nmodels: {primary: {errors: {silence: 100%}, price: {input: 1, output: 1}}}\n", 1000, "primary: flash\nfallbacks: [{name: template-response}]\ntimeouts: {primary: 2s}\n")
	policy, without := r.Runs[0], r.Runs[1]
	if policy.Degraded != 1 || policy.Whole.P50.Duration() != 2*time.Second || policy.CostUSD != 0 {
		t.Errorf("with a timeout: %.3f degraded after %v for $%v, want all after 2s for nothing", policy.Degraded, policy.Whole.P50.Duration(), policy.CostUSD)
	}
	if without.Failed != 1 || without.Whole != (report.Percentiles{}) {
		t.Errorf("without: %.3f failed, %v; want all and no time", without.Failed, without.Whole)
	}
}

func TestSeriesCoversTheTime(t *testing.T) {
	r := simulated(t, "length: 1h\nseed: 7\ntraffic: {rps: 2, bursts: [{at: 30m, for: 10m, times: 5}]}\n", 1e6, "primary: flash\n")
	calls, busiest := 0, report.Point{}
	for _, p := range r.Runs[0].Series {
		if calls += p.Calls; p.RPS > busiest.RPS {
			busiest = p
		}
	}
	if at := busiest.At.Duration(); calls != r.Sampling.Calls || at < 30*time.Minute || at >= 40*time.Minute {
		t.Errorf("%d of %d calls, the most at %v; want all, and the most in the burst", calls, r.Sampling.Calls, at)
	}
	if diff := cmp.Diff(r.Runs[0].Series, r.Runs[1].Series); diff != "" {
		t.Errorf("the primary as a policy and alone differ:\n%s", diff)
	}
}
