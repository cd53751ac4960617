package spec_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// What Check knows of models and of the application decides whether a cascade can judge,
// compare costs and degrade. B91
func TestCascadeNeedsWhatItsKeysName(t *testing.T) {
	no := func() bool { return false }
	known := spec.Known{
		Judge: no, Retrieval: no, Deferred: no, Window: func(string) (int, bool) { return 0, false },
		Price: func(id string) bool { return id == "gemini-2.5-flash" }, Logprobs: func(r spec.Resolved) bool { return r.ID != "gemini-2.5-flash" },
	}
	for _, test := range []struct{ file, want string }{
		{"cascade: {model: gemini-2.5-flash}", "2:1: cascade.judge: gemini-2.5-flash returns no probabilities"},
		{"cascade: {model: gemini-2.5-flash, judge: logprobs}", "2:43: cascade.judge: gemini-2.5-flash returns no probabilities"},
		{"cascade: {model: gpt-4o}", ""},
		{"cascade: {model: gemini-2.5-flash, judge: stated}", ""},
		{"cascade: {model: gemini-2.5-flash, grader: gpt-4o}", ""},
		{"cascade: {model: gemini-2.5-flash, judge: application}", "2:43: cascade.judge: the application has no function that judges answers; add policy.WithJudge"},
		{"cascade: {model: gpt-4o, max_cost: 0.05}", "2:36: cascade.max_cost: max_cost needs the price of gemini-2.5-pro; set models[\"gemini-2.5-pro\"].price"},
		{"cascade: {model: gpt-4o, tenants: {acme: {max_cost: 0.05}}}", "cascade.tenants.acme.max_cost: max_cost needs the price"},
		{"cascade: {model: gpt-4o, max_cost: 0.05}\nmodels: {gemini-2.5-pro: {price: {input: 1, output: 1}}}", ""},
		{"cascade: {model: gpt-4o, degrade: {below: 20%, to: retrieval-answer}}", "cascade.degrade.to: retrieval-answer needs passages; add policy.WithRetrieval"},
		{"cascade: {model: gpt-4o, degrade: {below: 20%, to: deferred-answer}}", "cascade.degrade.to: deferred-answer needs a queue; add policy.WithDeferred"},
		{"cascade: {model: gpt-4o, degrade: {below: 20%, to: cached-anser}}", `"cached-anser" is not a last resort (did you mean cached-answer?)`},
		{"cascade: {model: gpt-4o, grader: gpt-4o-mni}\nmodels: {gpt-4o-mini: {}}\nfallbacks: [{name: gpt-4o-mini}]", ""},
		{"cascade: {model: gpt-4o, tenants: {acme: {use: weak}}}", "cascade.tenants.acme.use: must be both, cheap or strong"},
		{"cascade: {model: gpt-4o, tenants: {acme: {}}}", "warning: cascade.tenants.acme: nothing differs"},
		{"cascade: {model: gpt-4o, grader: gemini-2.5-pro}", "warning: cascade.grader: \"gemini-2.5-pro\" is the primary"},
		{"cascade: {model: gpt-4o, grader: gpt-4o-mini}\nbudgets: {usd_per_day: 1}", "warning: cascade.grader: budgets need the price of gpt-4o-mini"},
		{"cascade: {model: gpt-4o, degrade: {below: 20%, to: Retrieval}}", `"Retrieval" is not a last resort (did you mean retrieval-answer?)`},
		{"fallbacks: [{name: deferred}]", `warning: fallbacks[0].name: "deferred" is not a known model (did you mean deferred-answer?)`},
		{"fallbacks: [{name: deferred-answer}]", "2:20: fallbacks[0].name: deferred-answer needs a queue; add policy.WithDeferred"},
		{"degrade: {deferred: {}}", "warning: degrade.deferred: deferred is not used; add deferred-answer to the fallbacks"},
		{"overflow: trim", "2:11: overflow: trim needs a target whose context window is known"},
		{"overflow: trim\nmodels: {gemini-2.5-pro: {context_window: 9}}", ""},
	} {
		problems, ok := problemsWith(known, "primary: gemini-2.5-pro\n"+test.file)
		if wants := test.want != "" && !strings.HasPrefix(test.want, "warning"); ok == wants || test.want != "" && !strings.Contains(problems, test.want) {
			t.Errorf("%s: usable %t, problems %q; want %q", test.file, ok, problems, test.want)
		}
		if problems, ok := problemsWith(spec.Known{}, "primary: gemini-2.5-pro\n"+test.file); !ok && !strings.Contains(test.want, "not a last resort") && !strings.Contains(test.want, "must be both") {
			t.Errorf("%s: problems %q for an application that is not known", test.file, problems)
		}
	}
}
