package picture

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

const names = `
primary: fast
fallbacks: [{name: gpt-4o}, {name: local-7b}, {name: local-big-7b}, {name: gemini-v2}, {name: house}, {name: template-response}]
aliases: {fast: quick, quick: gemini-2.5-flash}
models:
  gemini-*: {provider: vertexai, region: europe-west4}
  local-*: {provider: openai, base_url: "http://127.0.0.1:8080/v1", credential_env: LOCAL_KEY}
  local-big-*: {context_window: 8000}
  house: {context_window: 8000}
`

func TestModelsAreServedAsTheFileSays(t *testing.T) {
	p := parse(t, names)
	got := make(map[string]string)
	for _, m := range Of(p, spec.Known{}).Models {
		got[m.Name] = m.served() + "; " + m.from()
	}
	want := map[string]string{
		"fast":         "vertexai as gemini-2.5-flash; alias of gemini-2.5-flash, models.gemini-*",
		"gpt-4o":       "openai; ",
		"local-7b":     "openai at http://127.0.0.1:8080/v1; models.local-*, key in LOCAL_KEY",
		"local-big-7b": "supplied by the application; models.local-big-*",
		"gemini-v2":    "vertexai; models.gemini-*",
		"house":        "supplied by the application; models.house",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What the picture says of models is what package spec checks.
func TestNamesMeanWhatPackageSpecTakesThemFor(t *testing.T) {
	everything, err := os.ReadFile("../../testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"names": names, "everything": string(everything)} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, file+"\n")
			named := map[string]string{} // by path
			for _, target := range p.Targets() {
				named[target.Path] = target.Name
			}
			for id, e := range p.Experiments {
				for i, arm := range e.Arms {
					named[fmt.Sprintf("experiments.%s.arms[%d].model", id, i)] = arm.Model
				}
			}
			var unresolved, ids []string
			for _, problem := range spec.Check(p, spec.Known{
				Model: func(string) bool { return false },
				Price: func(id string) bool { ids = append(ids, id); return true },
			}) {
				if name, ok := named[problem.Path]; ok && problem.Severity == spec.SeverityError {
					unresolved = append(unresolved, name)
				}
			}
			models := Of(p, spec.Known{}).Models
			var supplied []string
			for _, m := range models {
				if m.From == "application" {
					supplied = append(supplied, m.Name)
				}
			}
			if diff := cmp.Diff(supplied, unresolved); diff != "" {
				t.Errorf("supplied by the application (-here +spec):\n%s", diff)
			}
			for _, id := range ids {
				if !slices.ContainsFunc(models, func(m Model) bool { return m.ID == id }) {
					t.Errorf("package spec has a model with the id %q, the picture has none", id)
				}
			}
		})
	}
}

func parse(t *testing.T, file string) *spec.Policy {
	t.Helper()
	p, err := spec.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
