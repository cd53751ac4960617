package main

import (
	"os"
	"slices"
	"strings"
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
	for _, m := range (checked{Policy: p}).models() {
		got[m.Name] = m.by() + "; " + m.from()
	}
	want := map[string]string{
		"fast":         "vertexai as gemini-2.5-flash; alias of gemini-2.5-flash, models.gemini-*",
		"gpt-4o":       "openai; ",
		"local-7b":     "openai at http://127.0.0.1:8080/v1; models.local-*, key in LOCAL_KEY",
		"local-big-7b": "handed in by the application; models.local-big-*",
		"gemini-v2":    "vertexai; models.gemini-*",
		"house":        "handed in by the application; models.house",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What this command says of models is what package policy builds.
func TestNamesMeanWhatPackagePolicyTakesThemFor(t *testing.T) {
	everything, err := os.ReadFile("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"names": names, "everything": string(everything)} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, file+"\n")
			var handedIn, ids []string
			for _, problem := range spec.Check(p, spec.Known{
				Model: func(string) bool { return false },
				Price: func(id string) bool { ids = append(ids, id); return true },
			}) {
				if name, _, unknown := strings.Cut(problem.Message, " is not a known model"); unknown {
					handedIn = append(handedIn, strings.Trim(name, `"`))
				}
			}
			var wantHandedIn []string
			for _, m := range (checked{Policy: p}).models() {
				if m.From == "application" {
					wantHandedIn = append(wantHandedIn, m.Name)
				}
				if i := slices.Index(ids, m.ID); i >= 0 {
					ids = slices.Delete(ids, i, i+1)
				}
			}
			if diff := cmp.Diff(wantHandedIn, handedIn); diff != "" {
				t.Errorf("handed in (-here +policy):\n%s", diff)
			}
			for _, id := range ids {
				if !slices.ContainsFunc((checked{Policy: p}).models(), func(m served) bool { return m.ID == id }) {
					t.Errorf("package policy has a model with the id %q, this command has none", id)
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
