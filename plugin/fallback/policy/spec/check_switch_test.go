package spec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Settings of the switch that have no effect cause warnings; what only the application
// makes right or wrong is an error when it is known.
func TestCheckOfTheSwitch(t *testing.T) {
	yes, no := func() bool { return true }, func() bool { return false }
	all := func(string) bool { return true }
	for _, test := range []struct {
		name, file string
		known      spec.Known
		want       []string
	}{
		{
			name: "nothing about a file whose every key has an effect",
			file: "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}, {name: claude-sonnet-4-5}, {name: template-response}]\ncircuit_breaker: {probe: true, probe_timeout: 1s}\nwarm_standby: {models: [gemini-*]}\n" +
				"sticky: session\nstay_for: 1h\nnotice: {text: Hi}\ngate: {tools: [pay], approve: true}\npreview: {model: gemini-2.5-flash-lite}\nmodels: {gemini-2.5-flash: {tier: t}, claude-sonnet-4-5: {tier: t}}",
			known: spec.Known{Approval: yes},
		},
		{
			name: "keys about fallbacks, without one that is a model",
			file: "primary: gpt-4o\nfallbacks: [{name: template-response}]\nsticky: none\nstay_for: 1m\nnotice: {text: Hi}\ngate: {tools: [pay]}\nwarm_standby: {}",
			want: []string{
				"3:9: warning: sticky: sticky has no effect without a model among the fallbacks; add one, or remove sticky",
				"4:11: warning: stay_for: stay_for has no effect without a model among the fallbacks; add one, or remove stay_for",
				"5:1: warning: notice: notice has no effect without a model among the fallbacks; add one, or remove notice",
				"6:1: warning: gate: gate has no effect without a model among the fallbacks; add one, or remove gate",
				"7:1: warning: warm_standby: warm_standby has no effect without a model among the fallbacks; add one, or remove warm_standby",
			},
		},
		{
			name: "the time of a probe that is not made",
			file: "primary: gpt-4o\ncircuit_breaker: {probe_timeout: 1s}",
			want: []string{"2:34: warning: circuit_breaker.probe_timeout: probe_timeout has no effect without probe: true; set it, or remove probe_timeout"},
		},
		{
			name:  "an approval without a function",
			file:  "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}]\ngate: {tools: [pay], approve: true}",
			known: spec.Known{Approval: no},
			want:  []string{"3:31: gate.approve: the application has no function that approves calls of tools; add policy.WithApproval, or set approve: false"},
		},
		{
			name: "an approval of which nothing is known",
			file: "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}]\ngate: {tools: [pay], approve: true}",
		},
		{
			name: "a tool that is never withheld",
			file: "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}]\ngate: {tools: [pay, set_model_response, 'set_*', '*']}",
			want: []string{"3:21: warning: gate.tools[1]: set_model_response is how a model answers with a schema, and is not withheld; remove it"},
		},
		{
			name:  "standbys that the application supplies, unless they are named",
			file:  "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}]\nwarm_standby: {}",
			known: spec.Known{Model: all},
			want:  []string{"3:1: warning: warm_standby: no fallback is kept warm, because the application supplies them all; name them in models, or remove warm_standby"},
		},
		{
			name:  "no standbys that are named",
			file:  "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}]\nwarm_standby: {models: [gemini-2.5-flash]}",
			known: spec.Known{Model: all},
		},
		{
			name: "a cached answer that the cache itself gives",
			file: "primary: gpt-4o\npreview: {model: cached-answer}\ncache: {ttl: 12h, stale_while_revalidate: 12h}",
			want: []string{"2:1: warning: preview: no preview is shown: the cache itself answers for 24h, and degrade.cached_max_age is 24h; raise it"},
		},
		{
			name: "no cached answer that is older",
			file: "primary: gpt-4o\npreview: {model: cached-answer}\ncache: {ttl: 12h}\ndegrade: {cached_max_age: 13h}",
		},
		{
			name:  "the price of a preview",
			file:  "primary: gpt-4o\npreview: {model: gpt-small}\nbudgets: {usd_per_day: 1}",
			known: spec.Known{Price: func(id string) bool { return id == "gpt-4o" }},
			want:  []string{"2:18: warning: preview.model: budgets need the price of gpt-small; set models.gpt-small.price"},
		},
		{
			name: "tiers of one, of targets that are no neighbours, and of entries with a condition",
			file: "primary: gpt-4o\nfallbacks: [{name: gpt-4o-mini, condition: 'error || latency > 1s'}, {name: gemini-2.5-flash}, {name: gemini-2.5-pro}, {name: claude-sonnet-4-5}]\n" +
				"models: {gpt-4o: {tier: a}, gpt-4o-mini: {tier: a}, gemini-2.5-flash: {tier: a}, gemini-2.5-pro: {tier: b}, claude-sonnet-4-5: {tier: b}}",
			want: []string{
				"3:25: warning: models.gpt-4o.tier: tier has no effect: no neighbour in the chain has the same one, or a condition is not error; name it there too, or remove it",
				"3:49: warning: models.gpt-4o-mini.tier: tier has no effect",
				`3:78: warning: models["gemini-2.5-flash"].tier: tier has no effect`,
			},
		},
		{
			name: "counts of a comparison that is not made",
			file: "primary: gpt-4o\nexperiments: {e: {arms: [{model: gpt-4o, share: 100%}, {model: gemini-2.5-flash, share: 0%}], window: 1m, adaptive: {}}}",
			want: []string{"2:103: warning: experiments.e.window: window has no effect without max_drift; add it, or remove window"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := spec.Parse([]byte(test.file))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, problem := range spec.Check(p, test.known) {
				line := problem.String()
				if i < len(test.want) && strings.HasPrefix(line, test.want[i]) {
					line = test.want[i]
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// The longest notice is that of package call.
func TestLongestNotice(t *testing.T) {
	for bytes, want := range map[int]bool{call.MaxNoticeBytes: true, call.MaxNoticeBytes + 1: false} {
		file := "primary: gpt-4o\nfallbacks: [{name: gemini-2.5-flash}]\nnotice: {text: " + strings.Repeat("x", bytes) + "}"
		if _, err := spec.Parse([]byte(file)); (err == nil) != want {
			t.Errorf("%d bytes: error %v", bytes, err)
		}
	}
}
