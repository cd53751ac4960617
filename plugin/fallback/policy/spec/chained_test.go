package spec_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

const chained = `
primary: gpt-4o
fallbacks:
  - {name: fast, condition: "latency > 2s", timeout: 3s}
  - {name: cached-answer}
  - {name: template-response}
aliases: {fast: gemini-2.5-flash}
hedge: {target: fast}
cascade: {model: gpt-4o-mini, checks: {min_length: 3}}
experiments: {exp: {arms: [{cohort: a, model: gpt-4o, share: 50%}, {cohort: b, model: gpt-5, share: 50%}]}}
models:
  local-*: {provider: openai, base_url: "http://localhost:8000/v1"}
  "odd name": {provider: openai, base_url: "http://localhost:8000/v1"}
`

// A request may name the models of the chain and those under models, and no pattern, last
// resort or name that would change a URL.
func TestDeclares(t *testing.T) {
	p := parse(t, chained)
	declared := []string{"gpt-4o", "fast", "gemini-2.5-flash", "local-llm", "local-org/llm:8b@x", "local-", "odd name"}
	others := []string{
		"", "gpt-5-nano", "local-*", "*", "cached-answer", "template-response", "local", "local-a b", "local-../x", "local-a//b", "local-a?b=c",
		"local-a#b", "local-a%2fb", "local-a\x00b", "local-é", "local-" + strings.Repeat("x", spec.MaxName),
	}
	for _, name := range append(declared, others...) {
		if got, want := p.Declares(name), slices.Contains(declared, name); got != want {
			t.Errorf("Declares(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestInChain(t *testing.T) {
	p := parse(t, chained)
	for name, want := range map[string]bool{
		"gpt-4o": true, "fast": true, "gemini-2.5-flash": true, "gpt-4o-mini": false, "local-a": false, "": false, "cached-answer": false, "template-response": false,
	} {
		if got := p.InChain(name); got != want {
			t.Errorf("InChain(%q) = %v, want %v", name, got, want)
		}
		if allocs := testing.AllocsPerRun(10, func() { p.InChain(name) }); allocs > 0 { // a gateway asks on each call
			t.Errorf("InChain(%q) allocates %v times", name, allocs)
		}
	}
}

// The most specific pattern applies, and an exact name before any. Of two that are equally
// specific, it is the first by name, on every call.
func TestMostSpecificPattern(t *testing.T) {
	p := parse(t, `
primary: gpt-4o
models:
  "*": {provider: openai, base_url: "http://localhost:1/v1"}
  "gpt-*": {provider: openai, base_url: "http://localhost:2/v1"}
  "gpt-4*": {provider: openai, base_url: "http://localhost:3/v1"}
  "gpt-4o": {provider: openai, base_url: "http://localhost:4/v1"}
  "*-large": {provider: openai, base_url: "http://localhost:5/v1"}
  "meta-l*": {provider: openai, base_url: "http://localhost:6/v1"}
  "meta-*e": {provider: openai, base_url: "http://localhost:7/v1"}
`)
	for name, port := range map[string]string{"llama": "1", "gpt-5": "2", "gpt-4.1": "3", "gpt-4o": "4", "gpt-4o-mini": "3", "meta-large": "5", "meta-lite": "7"} {
		r := p.Resolve(name)
		if want := "http://localhost:" + port + "/v1"; r.Settings.BaseURL != want || r.ID != name || r.Provider != "openai" {
			t.Errorf("%s: %s at %s, by %s; want itself at %s", name, r.ID, r.Settings.BaseURL, r.Provider, want)
		}
	}
}

func TestWithChain(t *testing.T) {
	p := parse(t, chained)
	for _, test := range []struct {
		models, want []string
		hedge        bool
		cascade      bool
	}{
		{models: []string{"gpt-4o"}, want: []string{"gpt-4o", "cached-answer", "template-response"}, cascade: true},
		{models: []string{"local-a"}, want: []string{"local-a", "cached-answer", "template-response"}},
		{models: []string{"local-a", "gpt-4o", "fast"}, want: []string{"local-a", "gpt-4o", "fast", "cached-answer", "template-response"}, hedge: true},
		{models: []string{"fast", "gpt-4o", "gemini-2.5-flash", "gpt-4o"}, want: []string{"fast", "gpt-4o", "cached-answer", "template-response"}},
		{models: []string{"gpt-4o", "gemini-2.5-flash"}, want: []string{"gpt-4o", "fast", "cached-answer", "template-response"}, hedge: true, cascade: true},
	} {
		q := p.WithChain(test.models...)
		got := []string{}
		for _, target := range q.Targets() {
			got = append(got, target.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v: targets (-want +got):\n%s", test.models, diff)
		}
		if (q.Hedge != nil) != test.hedge || (q.Cascade != nil) != test.cascade {
			t.Errorf("%v: hedge %v, cascade %v; want %v, %v", test.models, q.Hedge, q.Cascade, test.hedge, test.cascade)
		}
		if problems := spec.Check(q, spec.Known{}); len(problems) > 0 {
			t.Errorf("%v: problems: %v", test.models, problems)
		}
	}
	fallback := p.WithChain("local-a", "fast").Targets()[1]
	if fallback.Condition.String() != "latency > 2s" || fallback.Silence.Seconds() != 3 {
		t.Errorf("fast has condition %q and timeout %v, want those of the file", fallback.Condition.String(), fallback.Silence)
	}
	if e := p.WithChain("local-a", "gpt-4o").Targets()[1]; e.Experiment != "exp" {
		t.Errorf("gpt-4o has experiment %q as a fallback, want exp", e.Experiment)
	}
	if got := p.Targets()[0]; got.Name != "gpt-4o" || p.Hedge == nil || p.Cascade == nil || p.Experiments["exp"].Target != "" {
		t.Errorf("the policy itself has changed")
	}
}
