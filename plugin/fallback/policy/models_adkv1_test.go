package policy_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// With the tag adkv1, the package needs no more of ADK than its data types, so
// that it compiles in an application on ADK v1.
func TestTagLeavesOutTheProviders(t *testing.T) {
	const adk = "google.golang.org/adk/v2/"
	deps := func(tags ...string) []string {
		out, err := exec.Command("go", append(append([]string{"list", "-deps"}, tags...), ".")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	for _, dep := range deps("-tags", "adkv1") {
		path, ok := strings.CutPrefix(dep, adk)
		if ok && !strings.HasPrefix(path, "internal/") && !slices.Contains([]string{"model", "session", "memory", "platform", "tool/toolconfirmation"}, path) {
			t.Errorf("it compiles ADK's %s", path)
		}
		if strings.HasPrefix(dep, "go.opentelemetry.io/otel/log") || strings.HasPrefix(dep, "github.com/openai/") {
			t.Errorf("it compiles %s", dep)
		}
	}
	if all := deps(); !slices.Contains(all, adk+"model/gemini") || !slices.Contains(all, adk+"model/openaimodel") {
		t.Error("without the tag, ADK's providers are missing")
	}
}
