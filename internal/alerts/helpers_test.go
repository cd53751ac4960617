package alerts_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/internal/alerts"
	"github.com/adk-fallback/adk-fallback/internal/promtool"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func parse(t *testing.T, text string) *spec.Policy {
	t.Helper()
	p, err := spec.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rulesOf(t *testing.T, p *spec.Policy) string {
	t.Helper()
	text, err := alerts.Rules(p, "fallback.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// check has promtool check a rules file, and its style.
func check(t *testing.T, rules string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, rules)
	if out, err := promtool.Run(t, "check", "rules", "--lint-fatal", path); err != nil {
		t.Errorf("promtool check rules: %v\n%s\n%s", err, out, rules)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read returns the rules of a file by their alert, and the expressions of all rules.
func read(t *testing.T, rules string) (alerting map[string]rule, expressions []string) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Load([]byte(rules), &file); err != nil {
		t.Fatal(err)
	}
	alerting = make(map[string]rule)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			expressions = append(expressions, r.Expr)
			if r.Alert != "" {
				alerting[r.Alert] = r
			}
		}
	}
	return alerting, expressions
}

// rule is a rule of a rules file, as Prometheus reads it.
type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}
