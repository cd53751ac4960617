package plugin_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// modelLine is an entry of the section models in docs/providers.md.
var modelLine = regexp.MustCompile(`(?m)^([\w-]+): \{provider: .*\}$`)

// Each entry for a server builds a model, with no key but the one that it names.
func TestModelsOfTheProviderPageAreBuilt(t *testing.T) {
	page, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := modelLine.FindAllStringSubmatch(string(page), -1)
	if len(entries) < 13 {
		t.Fatalf("%d entries, want one for each of 12 servers and for a new model", len(entries))
	}
	for _, entry := range entries {
		t.Run(entry[1], func(t *testing.T) {
			p, err := spec.Parse([]byte("primary: " + entry[1] + "\nmodels:\n  " + entry[0] + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			named := func(name string) (string, bool) {
				ok := strings.Contains(entry[0], "credential_env: "+name) || name == "OPENAI_API_KEY" && !strings.Contains(entry[0], "base_url")
				return "key", ok
			}
			if _, err := policy.Build(t.Context(), p, policy.WithEnv(named)); err != nil {
				t.Error(err)
			}
		})
	}
}
