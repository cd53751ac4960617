package policy_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// A caller for whom the cheap model is off gets no kept answer of it.
func TestCascadeIsCachedForCallersWhoMayGetIt(t *testing.T) {
	for _, test := range []struct{ flagged, keys, want string }{
		{"cheap", "", "cheap"},
		{"arm", "\nexperiments: {x: {target: cheap, arms: [{model: cheap, share: 0%}, {model: arm, share: 100%}]}}", "arm"},
	} {
		l := live(t, "primary: strong\ncache: {scope: tenant}\ncascade: {model: cheap, judge: application}\nflags: {f: {targets: ["+test.flagged+"], rollout: 50%}}"+test.keys, named("cheap", "strong", "arm"), judging(1, nil))
		for _, by := range []struct{ user, want string }{{"u5", test.want}, {"u0", "strong"}, {"u5", test.want}, {"u0", "strong"}} { // on for u5, off for u0
			if got := ask(asUser(t.Context(), by.user), l.Model(), false); got.text != by.want {
				t.Errorf("%s for %s: %q (%v), cache %q; want %s", test.flagged, by.user, got.text, got.err, got.md.CacheStatus, by.want)
			}
		}
	}
}

// A budget that is used up has no last resort, whatever keeps a call from the cheap model.
func TestCascadeWithoutBudget(t *testing.T) {
	const file = "primary: strong\ncascade: {model: cheap, judge: application}\nfallbacks: [{name: template-response}]\n" +
		"models: {cheap: {price: {input: 0, output: 1}}, strong: {price: {input: 0, output: 1}}}\nbudgets: {usd_per_day: 0.01, max_output_tokens: 100000, exhausted: "
	for keys, degraded := range map[string]string{
		"deny}": "", "deny}\nflags: {f: {targets: [cheap], default: false}}": "", "deny}\ncompliance: {rules: [{tenants: [acme], targets: [strong]}]}": "",
		"degrade}\nflags: {f: {targets: [cheap], default: false}}": "template-response",
	} {
		m := build(t, file+keys, named("cheap", "strong"), judging(1, nil))
		if got := askFor(call.With(t.Context(), call.Info{Tenant: "acme"}), m, false, asking(50_000)); got.md.Degraded != degraded || (got.err == nil) != (degraded != "") {
			t.Errorf("%q: %q (%v), degraded %q, want %q", keys, got.text, got.err, got.md.Degraded, degraded)
		}
	}
}

// A request that is too long gets to the primary of a cascade where another request would.
func TestOverflowOfACascade(t *testing.T) {
	const file = "primary: strong\noverflow: trim\nmodels: {cheap: {context_window: 2000}, strong: {context_window: 3000, price: {input: 100, output: 100}}}\ncascade: {model: cheap, judge: application"
	for keys, calls := range map[string]int{
		"": 1, ", tenants: {acme: {use: cheap}}": 0, ", max_cost: 0.000001": 0, ", max_cost: 0.000001, tenants: {acme: {max_cost: 1000}}": 1,
		", tenants: {acme: {max_cost: 0.000001}}": 0, ", tenants: {other: {use: cheap}}": 1, ", tenants: {acme: {use: strong}}": 1,
	} {
		for _, streamed := range []bool{false, true} {
			strong := llmtest.NewModel("strong", llmtest.Text("strong"))
			m := build(t, file+keys+"}", models(llmtest.NewModel("cheap", llmtest.Text("cheap")), strong), judging(0, nil))
			got := askFor(call.With(t.Context(), call.Info{Tenant: "ACME"}), m, streamed, long(60))
			if n := len(strong.Asked()); n != calls || (got.err == nil) != (calls > 0) {
				t.Errorf("%q: %q (%v) after %d calls of the primary, want %d", keys, got.text, got.err, n, calls)
			}
		}
	}
}

// Check knows the cheap model of a cascade, and says what to do where a model cannot be built.
func TestCheckKnowsTheCascade(t *testing.T) {
	known := spec.Known{}
	for _, test := range []struct{ file, want string }{
		{"cascade: {model: cheap, judge: stated}\nflags: {f: {targets: [a]}}", ""},
		{"cascade: {model: cheap, judge: stated}\nflags: {f: {targets: [a, cheap]}}", "3:13: warning: flags.f.targets: while this flag is off, no target is left and every call fails; remove a target from this flag"},
		{"cascade: {model: cheap, judge: stated}\ntimeouts: {total: 10s, primary: 6s}", "3:19: warning: timeouts.total: total is 10s, but the targets may take 12s = 12s; raise it or shorten the other timeouts"},
		{"cascade: {model: cheap, judge: stated}\ntimeouts: {primary: 6s}\nfallbacks: [{name: b, condition: error || latency > 8s}]", ""},
		{"cascade: {model: cheap, judge: stated}\nexperiments: {x: {target: cheap, arms: [{model: cheap, share: 50%}, {model: a, share: 50%}]}}", `2:18: cascade.model: "a", the primary, is an arm of the cheap model's experiment x and would be called twice; name another model there`},
		{"fallbacks: [{name: b}]\nsticky: none\nstay_for: 1m", "4:11: warning: stay_for: stay_for has no effect with sticky: none; remove one of them"},
		{"experiments: {x: {arms: [{model: a, share: 0.00001%}, {model: b, share: 99.99999%}], adaptive: {}}}", "2:86: experiments.x.adaptive: adaptive needs a share of the control, the first arm, which has 0.00001%; raise it to at least 0.0001%"},
	} {
		p, err := known.Parse([]byte("primary: a\n" + test.file))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			for _, problem := range spec.Check(p, known) {
				got += problem.String()
			}
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.file, got, test.want)
		}
	}
}
