package plugin_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/adk-fallback/adk-fallback/"

// deps returns everything that pkg, a path inside the module, compiles.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", module+pkg).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

// The engine compiles with both majors of ADK: it must not reach ADK's runner
// or telemetry.
func TestEngineImportsOfADKOnlyData(t *testing.T) {
	allowed := []string{"model", "session", "memory", "platform", "tool/toolconfirmation"}
	for _, pkg := range []string{
		"plugin/fallback/call", "plugin/fallback/failure", "plugin/fallback/fallbacktest", "plugin/fallback/middleware",
		"plugin/fallback/guard", "plugin/fallback/router", "plugin/fallback/degrade", "plugin/fallback/policy", "plugin/fallback/provider",
		"plugin/fallback/provider/gemini", "plugin/fallback/provider/openai", "plugin/fallback/provider/anthropic", "internal/turn",
	} {
		for _, dep := range deps(t, pkg) {
			path, ok := strings.CutPrefix(dep, "google.golang.org/adk/v2/")
			if ok && !strings.HasPrefix(path, "internal/") && !slices.Contains(allowed, path) {
				t.Errorf("%s compiles ADK's %s", pkg, path)
			}
			if strings.HasPrefix(dep, "go.opentelemetry.io/otel/log") || strings.HasPrefix(dep, "github.com/openai/") {
				t.Errorf("%s compiles %s", pkg, dep)
			}
		}
	}
}

// Arrows point one way: policy → router → {middleware, guard} → {failure, call, provider},
// and a room of provider knows nothing of the engine.
func TestArrowsPointOneWay(t *testing.T) {
	const root = module + "plugin/fallback/"
	for pkg, forbidden := range map[string][]string{
		"call":               {"failure", "provider", "middleware", "router", "policy"},
		"failure":            {"call", "provider", "middleware", "router", "policy"},
		"provider":           {"call", "middleware", "router", "policy"},
		"provider/gemini":    {"call", "middleware", "router", "policy", "provider/openai", "provider/anthropic"},
		"provider/openai":    {"call", "middleware", "router", "policy", "provider/gemini", "provider/anthropic"},
		"provider/anthropic": {"call", "middleware", "router", "policy", "provider/gemini", "provider/openai"},
		"guard":              {"middleware", "router", "degrade", "policy", "provider/gemini", "provider/openai", "provider/anthropic"},
		"middleware":         {"guard", "router", "policy"},
		"router":             {"policy"},
		"policy":             {"provider/anthropic"},
	} {
		for _, dep := range deps(t, "plugin/fallback/"+pkg) {
			if slices.Contains(forbidden, strings.TrimPrefix(dep, root)) {
				t.Errorf("%s compiles %s", pkg, dep)
			}
		}
	}
}

// Who imports the front door alone compiles no more than it needs.
func TestFrontDoorIsLight(t *testing.T) {
	for _, dep := range deps(t, "plugin/fallback") {
		for _, heavy := range []string{"redis", "cel-go", "cel.dev", "/gateway", "cobra", "chromedp", "go-sqlite"} {
			if strings.Contains(dep, heavy) && !strings.HasPrefix(dep, "google.golang.org/adk") {
				t.Errorf("plugin/fallback compiles %s", dep)
			}
		}
	}
}

// Guards are for who composes models by hand too: no cache, no conditions, no flags.
func TestGuardIsLight(t *testing.T) {
	for _, dep := range deps(t, "plugin/fallback/guard") {
		for _, heavy := range []string{"otter", "cel-go", "cel.dev", "open-feature", "yaml"} {
			if strings.Contains(dep, heavy) {
				t.Errorf("plugin/fallback/guard compiles %s", dep)
			}
		}
	}
}

// Package cel and what it alone needs are 1.6 MB of every binary, CEL's standard library 0.5 MB: conditions use the packages
// beneath them.
func TestPolicyCompilesNoMoreOfCELThanItNeeds(t *testing.T) {
	got := deps(t, "plugin/fallback/policy")
	for _, heavy := range []string{"cel.dev/cel-go/cel", "cel.dev/cel-go/common/env", "cel.dev/cel-go/common/stdlib", "go.yaml.in/yaml/v3"} {
		if slices.Contains(got, heavy) {
			t.Errorf("plugin/fallback/policy compiles %s", heavy)
		}
	}
}
