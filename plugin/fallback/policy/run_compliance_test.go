package policy_test

import (
	"slices"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// A rule that names neither targets nor regions is for every target: with redact,
// no model sees the data. B79
func TestARuleWithRedactAloneIsForEveryTarget(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"chain", "fallbacks: [{name: b}]"},
		{"hedge", "fallbacks: [{name: b}]\nhedge: {delay: 1ms, max_extra_load: 100%}"},
		{"experiment", "experiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}]}}"},
	} {
		for class, want := range map[string]string{"pii": "Mail [redacted].", "public": "Mail jane@example.org."} {
			down := suite.Fail(suite.ErrUnavailable)
			a, b := suite.NewModel("a", down), suite.NewModel("b", down)
			m := build(t, "primary: a\n"+test.text+"\ncompliance: {rules: [{data_classes: [pii], otherwise: redact}]}\nmodels: {a: {region: europe-west1}}", models(a, b))
			for range 20 {
				askFor(call.With(t.Context(), call.Info{DataClass: class}), m, false, &model.LLMRequest{Contents: genai.Text("Mail jane@example.org.")})
			}
			for _, asked := range []*suite.Model{a, b} {
				if len(asked.Requests()) == 0 {
					t.Errorf("%s, %s: %s was not asked", test.name, class, asked.Name())
				}
				for _, req := range asked.Requests() {
					if got := req.Contents[0].Parts[0].Text; got != want {
						t.Fatalf("%s, %s: %s saw %q, want %q", test.name, class, asked.Name(), got, want)
					}
				}
			}
		}
	}
}

// A model whose region is not known is in none, whatever the pattern. B79
func TestAModelWithoutARegionIsInNone(t *testing.T) {
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nmodels: {b: {region: us-east1}}\ncompliance: {rules: [{regions: ['*']}]}", named("a", "b"))
	if got := ask(t.Context(), m, false); got.text != "b" {
		t.Errorf("%q answered (%v), want b, whose region is known", got.text, got.err)
	}
}

// Also in a policy that is from no file.
func TestARuleThatLetsNoTargetSeeTheDataIsAMistake(t *testing.T) {
	for otherwise, wrong := range map[string]bool{"": true, "deny": true, "redact": false} {
		p := &spec.Policy{Primary: "gemini-2.5-flash", Compliance: &spec.Compliance{Rules: []spec.Rule{{DataClasses: []string{"pii"}, Targets: []string{}, Otherwise: otherwise}}}}
		var paths []string
		for _, problem := range spec.Check(p, spec.Known{}) {
			paths = append(paths, problem.Path)
		}
		if got := slices.Contains(paths, "compliance.rules[0]"); got != wrong {
			t.Errorf("otherwise %q: problems at %v, want one of the rule: %v", otherwise, paths, wrong)
		}
	}
}
