package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Models that are handed in share neither provider nor credential, whatever their
// names begin with: what one has failed with is no reason against the other.
func TestHandedInModelsShareNothing(t *testing.T) {
	const text = "primary: gpt-4o\nfallbacks: [{name: also}]\naliases: {also: gpt-4.1}\nmodels: {gpt-*: {provider: openai, credential_env: KEY}}\n"
	for name, scope := range map[string]failure.Scope{"credential": failure.ScopeAccount, "provider": failure.ScopeProvider} {
		t.Run(name, func(t *testing.T) {
			broke := failure.Verdict{Action: failure.Fallback, Kind: failure.KindBilling, Scope: scope}.Err()
			m := build(t, text, models(llmtest.NewModel("gpt-4o", llmtest.Fail(broke)), llmtest.NewModel("gpt-4.1", llmtest.Text("also"))))
			if got := ask(t.Context(), m, false); got.text != "also" {
				t.Errorf("%q (%v), want an answer of the other model", got.text, got.err)
			}
		})
	}
}

func TestCheckOfModelsThatAreHandedIn(t *testing.T) {
	handedIn := func(names ...string) spec.Known {
		return spec.Known{Model: func(name string) bool { return slices.Contains(names, name) }}
	}
	const chain = "primary: gpt-4o\nfallbacks: [{name: also}]\naliases: {also: gpt-4.1}\n"
	const reached = "primary: gpt-4o\nfallbacks: [{name: also}, {name: house}]\naliases: {also: gpt-4.1}\nmodels:\n" +
		"  gpt-4.1: {credential_env: KEY, base_url: \"http://127.0.0.1/v1\"}\n  house: {provider: openai, base_url: \"http://127.0.0.1/v1\"}\n"
	const oneForAll = "2:1: warning: fallbacks: every model uses one credential, the default of openai"
	for _, test := range []struct {
		name, file string
		known      spec.Known
		want       []string // the beginnings of the problems
	}{
		{"one credential for what is not", chain, spec.Known{}, []string{oneForAll}},
		{"one credential for what others are handed in for", chain, handedIn("gpt-5"), []string{oneForAll}},
		{"no credential of one by its name", chain, handedIn("gpt-4o"), nil},
		{"no credential of one by its alias", chain, handedIn("also"), nil},
		{"no credential of one behind an alias", chain, handedIn("gpt-4.1"), nil},
		{"an address or a key of one", reached, handedIn("also", "house"), []string{
			`5:29: warning: models["gpt-4.1"].credential_env: credential_env is not used, because the application supplies the model; remove it`,
			`5:44: warning: models["gpt-4.1"].base_url: base_url is not used`,
			"6:39: warning: models.house.base_url: base_url is not used",
		}},
		{"no address or key of several, of which one is not", chain + "models: {gpt-*: {credential_env: KEY}}\n", handedIn("gpt-4.1"), nil},
		{"an address or a key of an arm", "primary: gpt-4o\nexperiments: {e: {arms: [{model: gpt-4o, share: 50%}, {model: gpt-5, share: 50%}]}}\nmodels: {gpt-5: {provider: openai, credential_env: KEY}}\n", handedIn("gpt-5"),
			[]string{"3:52: warning: models.gpt-5.credential_env: credential_env is not used"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := spec.Check(parsed(t, test.file), test.known)
			ok := len(got) == len(test.want)
			for i := 0; ok && i < len(got); i++ {
				ok = strings.HasPrefix(got[i].String(), test.want[i])
			}
			if !ok {
				t.Errorf("problems:\n%v\nwant:\n%s", got, strings.Join(test.want, "\n"))
			}
		})
	}
}
