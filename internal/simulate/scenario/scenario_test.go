package scenario_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
)

func parse(t *testing.T, file string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMistakesHaveTheirPlaces(t *testing.T) {
	for file, want := range map[string]string{
		"length: 1h\n":                                                                             "1:1: missing key traffic",
		"traffic: {rps: 0}\n":                                                                      "1:16: traffic.rps: must be a number from 0.01 to 100000, not 0",
		"traffic: {rps: 5}\nprimary: a\n":                                                          `2:1: unknown key "primary"; it belongs in a policy`,
		"traffic: {rps: 5, speed: 3}\n":                                                            "1:19: traffic: unknown key",
		"traffic: {rps: 5, tenants: {a: 50%, b: 40%}}\n":                                           "1:19: traffic.tenants: add up to 90%; they must add up to 100%",
		"traffic: {rps: 5, input_tokens: {p50: 9, p99: 8}}\n":                                      "traffic.input_tokens.p99: is less than p50, 9",
		"traffic: {rps: 5, bursts: [{at: 25h, for: 1m, times: 2}]}\n":                              "traffic.bursts[0].at: is after the end; it must be less than length, 24h0m0s",
		"traffic: {rps: 5}\nmodels: {primary: {first_content: {p50: 2s, p99: 1s}}}\n":              "models.primary.first_content.p99: is less than p50, 2s",
		"traffic: {rps: 5}\nmodels: {primary: {errors: {server: 60%, cut: 50%}}}\n":                "models.primary.errors: add up to 110%",
		"traffic: {rps: 5}\nmodels: {primary: {quota: {}}}\n":                                      "models.primary.quota: has no quota",
		"traffic: {rps: 5}\nevents: [{name: e, at: 1h, models: [primary]}]\n":                      "events[0]: has no effect",
		"traffic: {rps: 5}\nevents: [{name: e, at: 30h, models: [primary], slower: 2}]\n":          "events[0].at: is after the end",
		"traffic: {rps: 5}\nevents: [{name: e, at: 1h, models: [primary], herd: {times: 2}}]\n":    "events[0].herd: needs for",
		"traffic: {rps: 5}\nevents: [{name: e, at: 1h, models: [primary], capacity: 10%}]\n":       "events[0].capacity: has no effect, because no model has a capacity",
		"traffic: {rps: 5}\nevents: [{name: e, at: 1h, models: [primary], errors: {servr: 1%}}]\n": "did you mean server?",
	} {
		_, err := scenario.Parse([]byte(file))
		if e, ok := errors.AsType[*scenario.Error](err); !ok || !strings.Contains(e.Error(), want) || e.Problems[0].Line == 0 {
			t.Errorf("%s: error %v, want %q with a place", file, err, want)
		}
	}
}

func TestRateFollowsDayBurstsAndHerds(t *testing.T) {
	s := parse(t, `
begins: 2h
traffic: {rps: 100, night: 20%, peak: 14h, bursts: [{at: 12h, for: 10m, times: 3}]}
events: [{name: out, at: 13h, for: 1h, models: [primary], slower: 2, herd: {times: 5, for: 10m}}]
`)
	for at, want := range map[time.Duration]float64{
		0: 20, 12 * time.Hour: 300, 12*time.Hour + 10*time.Minute: 100, 14 * time.Hour: 5 * 94.6, 14*time.Hour + 5*time.Minute: 3 * 94.2, 14*time.Hour + 10*time.Minute: 94,
	} {
		if got := s.Rate(at); math.Abs(got-want) > 0.01*want {
			t.Errorf("%v: %.1f calls per second, want about %.1f", at, got, want)
		}
	}
	// 60 % of the peak on average, two more hundreds for ten minutes, and the herd: half of
	// four times the rate for ten minutes.
	want := 60*86400.0 + 200*600 + 2*94.2*600
	if got := s.Calls(); math.Abs(got-want) > 0.01*want {
		t.Errorf("%.0f calls, want about %.0f", got, want)
	}
}

func TestEventsFlap(t *testing.T) {
	s := parse(t, "traffic: {rps: 1}\nevents: [{name: e, at: 1h, for: 1h, models: [eu], slower: 2, flap: 10m}]\n")
	e := s.Events[0]
	for at, want := range map[time.Duration]bool{
		59 * time.Minute: false, time.Hour: true, 69 * time.Minute: true, 70 * time.Minute: false, 80 * time.Minute: true, 2 * time.Hour: false,
	} {
		if got := s.In(e, at); got != want {
			t.Errorf("%v: in effect is %v, want %v", at, got, want)
		}
	}
	if !e.Concerns("gemini", "primary", "eu") || e.Concerns("gemini", "primary", "us") {
		t.Error("the event does not concern the models with tag eu alone")
	}
}

func TestNamesOverrideRoles(t *testing.T) {
	s := parse(t, `
traffic: {rps: 1}
models:
  primary: {tokens_per_second: 10}
  fallback: {tokens_per_second: 20}
  pro: {tokens_per_second: 30}
`)
	for _, test := range []struct {
		name    string
		primary bool
		want    float64
	}{{"flash", true, 10}, {"lite", false, 20}, {"pro", false, 30}, {"pro", true, 30}} {
		if got := s.Of(test.name, test.primary).TokensPerSecond; got != test.want {
			t.Errorf("%s: %v tokens per second, want %v", test.name, got, test.want)
		}
	}
	if m := parse(t, "traffic: {rps: 1}\n").Of("any", true); m.TokensPerSecond != 200 || m.FirstContent.P50 != 500*time.Millisecond {
		t.Errorf("a model without an entry is %+v, want the defaults", m)
	}
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	text, err := json.Marshal(scenario.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Factor for the calls per second`, `"known_after"`, `"Status 504`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the schema lacks %s", want)
		}
	}
	if strings.Contains(string(text), `"description":" Allowed`) {
		t.Error("a key has no description")
	}
}
