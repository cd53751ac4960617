package plugin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A nested module requires what the module requires in the same version: with another version of
// golang.org/x/net, for instance, CI compiles gRPC, genai and ADK a second time.
func TestNestedModulesShareVersions(t *testing.T) {
	required := func(file string) map[string]string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		versions := map[string]string{}
		for _, line := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+) (v\S+)`).FindAllStringSubmatch(string(text), -1) {
			versions[line[1]] = line[2]
		}
		return versions
	}
	root := required("../go.mod")
	files, err := filepath.Glob("*/go.mod")
	if err != nil || len(files) < 4 || len(root) < 20 {
		t.Fatalf("%d nested modules, %d requirements: %v", len(files), len(root), err)
	}
	for _, file := range append(files, "../plugin/fallback/adkv1/go.mod") {
		for path, version := range required(file) {
			if want := root[path]; want != "" && version != want && path != "go.opentelemetry.io/otel/log" { // ADK v2.2 does not compile with v0.21
				t.Errorf("%s requires %s %s; the module requires %s", file, path, version, want)
			}
		}
	}
}
