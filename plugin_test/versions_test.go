package plugin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The modules require the same versions: with another version of golang.org/x/net, for instance,
// CI compiles gRPC, genai and ADK once more.
func TestModulesShareVersions(t *testing.T) {
	nested, err := filepath.Glob("*/go.mod")
	if err != nil || len(nested) < 4 {
		t.Fatalf("%d nested modules: %v", len(nested), err)
	}
	type requirement struct{ version, by string }
	required := map[string]requirement{}
	for _, file := range append([]string{"../go.mod", "../plugin/fallback/adkv1/go.mod"}, nested...) {
		for path, version := range requirements(t, file) {
			if path == "go.opentelemetry.io/otel/log" {
				continue // ADK v2.2 does not compile with v0.21, which ADK v1 requires
			}
			if other, ok := required[path]; ok && other.version != version {
				t.Errorf("%s requires %s %s; %s requires %s", file, path, version, other.by, other.version)
			}
			required[path] = requirement{version, file}
		}
	}
}

// An application chooses the versions of its SDKs.
func TestModuleRequiresNoSDK(t *testing.T) {
	for path := range requirements(t, "../go.mod") {
		if strings.Contains(path, "openai-go") || strings.Contains(path, "anthropic-sdk") {
			t.Errorf("the module requires %s", path)
		}
	}
}

// requirements returns the versions in a go.mod by their module.
func requirements(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+) (v\S+)`).FindAllStringSubmatch(string(text), -1) {
		versions[line[1]] = line[2]
	}
	if len(versions) == 0 {
		t.Fatalf("%s has %d requirements", file, len(versions))
	}
	return versions
}
