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
	// The tag leaves out the file that resolves names with ADK v2's own providers.
	out, err := exec.Command("go", "list", "-deps", "-tags", "adkv1", module+pkg).Output()
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
		"plugin/fallback/router", "plugin/fallback/degrade", "plugin/fallback/policy", "internal/turn",
	} {
		for _, dep := range deps(t, pkg) {
			path, ok := strings.CutPrefix(dep, "google.golang.org/adk/v2/")
			if ok && !strings.HasPrefix(path, "internal/") && !slices.Contains(allowed, path) {
				t.Errorf("%s compiles ADK's %s", pkg, path)
			}
			if strings.HasPrefix(dep, "go.opentelemetry.io/otel/log") {
				t.Errorf("%s compiles %s", pkg, dep)
			}
		}
	}
}

// Arrows point one way: policy → router → middleware → {failure, call}.
func TestArrowsPointOneWay(t *testing.T) {
	const root = module + "plugin/fallback/"
	for pkg, forbidden := range map[string][]string{
		"call":       {"failure", "middleware", "router", "policy"},
		"failure":    {"call", "middleware", "router", "policy"},
		"middleware": {"router", "policy"},
		"router":     {"policy"},
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
