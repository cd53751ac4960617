package policy_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// B91: whether it is a wrong value, a wrong template, a name that nobody resolves
// or a section that needs a client.
func TestLoadReportsAllThatIsWrongAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fallback.yaml")
	text := "primary: nobody\nfallbacks: [{name: template-response}]\nretry: {max_attempts: 0}\nstate: {url_env: REDIS_URL}\ndegrade: {template: \"{{.Nobody}}\"}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := policy.Load(t.Context(), file, quiet)
	_, watched := policy.Watch(t.Context(), file, quiet)
	if err == nil || watched == nil || err.Error() != watched.Error() {
		t.Fatalf("Load: %v; Watch: %v; want the same error", err, watched)
	}
	var got []string
	for _, line := range strings.Split(err.Error(), "\n")[1:] {
		got = append(got, strings.Join(strings.SplitN(line, ": ", 3)[:2], ": "))
	}
	want := []string{"1:10: primary", "3:23: retry.max_attempts", "4:1: state", "5:21: degrade.template"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

// A policy made by hand needs no conditions: an entry without one has the default
// of a file.
func TestPolicyByHand(t *testing.T) {
	slow, err := spec.ParseCondition("latency > 3s")
	if err != nil {
		t.Fatal(err)
	}
	p := &spec.Policy{Primary: "a", Fallbacks: []spec.Entry{{Name: "b"}, {Name: "c", Condition: slow}, {Name: "d"}}}
	if got, want := p.Fallbacks[0].Condition.String(), parsed(t, "primary: gpt-4o\nfallbacks: [{name: gpt-5}]").Fallbacks[0].Condition.String(); got != want {
		t.Errorf("condition %q; want %q", got, want)
	}
	named := map[string]*llmtest.Model{}
	for _, name := range []string{"a", "b", "c"} {
		named[name] = llmtest.NewModel(name, llmtest.Fail(genai.APIError{Code: 503}))
	}
	m, err := policy.Build(t.Context(), p, quiet, models(named["a"], named["b"], named["c"], llmtest.NewModel("d", llmtest.Text("d"))))
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t.Context(), m, false); got.text != "d" || len(named["b"].Asked()) != 1 || len(named["c"].Asked()) != 0 {
		t.Errorf("%q (%v) after %d calls of b and %d of c; want d after one of b", got.text, got.err, len(named["b"].Asked()), len(named["c"].Asked()))
	}
	if _, err := spec.ParseCondition("latncy > 3s || cost"); err == nil || !strings.HasPrefix(err.Error(), `policy: condition: at 0: unknown name "latncy"`) || !strings.Contains(err.Error(), "at 15") {
		t.Errorf("error %v; want one that names both mistakes", err)
	}
}

// B15
func TestNilsAreErrors(t *testing.T) {
	if _, err := policy.Build(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "policy: the policy is nil; use one that spec.Parse returns") {
		t.Errorf("no policy: %v", err)
	}
	var none *llmtest.Model
	for name, option := range map[string]policy.Option{
		"option 1": nil, `Models["a"]`: policy.Models{"a": nil}, `Models["b"]`: policy.Models{"b": none},
		"WithLogger": policy.WithLogger((*slog.Logger)(nil)), "WithEnv": policy.WithEnv(nil), "WithRand": policy.WithRand(nil), "OnReload": policy.OnReload(nil),
	} {
		want := "policy: " + name + " is nil; set a value"
		if _, err := policy.NewLive(t.Context(), &spec.Policy{Primary: "a"}, option); err == nil || err.Error() != want {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}

// B15
func TestFactoryNeedsName(t *testing.T) {
	nameless := provider.Factory{New: func(provider.Settings) (model.LLM, error) { return nil, nil }}
	if _, err := policy.NewLive(t.Context(), &spec.Policy{Primary: "a"}, nameless); err == nil || err.Error() != "policy: a provider.Factory has no Name; set one such as anthropic" {
		t.Errorf("error %v", err)
	}
}

// A template that some calls would get nothing of is reported at its place. B87, B91
func TestTemplatesThatMaySayNothingAreReported(t *testing.T) {
	_, err := spec.Parse([]byte("primary: gpt-4o\nfallbacks: [{name: template-response}]\ndegrade: {template: '{{if .Tenant}}Sorry.{{end}}'}"))
	if want := "3:21: degrade.template: {{if .Tenant}} may be blank; add text"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}
