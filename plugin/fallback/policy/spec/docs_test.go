package spec_test

import (
	"bytes"
	"os"
	"regexp"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

const docs = "../../../../docs/policy.md"

// docs/policy.md is generated from the code. Run the tests of this package with -update
// after a change.
func TestDocsAreUpToDate(t *testing.T) {
	tmpl, err := template.ParseFiles("testdata/policy.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := tmpl.Execute(&want, map[string]any{
		"Example": string(read(t, "testdata/good/example.yaml")),
		"Names":   condition.Names(),
		"Keys":    spec.Reference(),
	}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(docs, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.String(), string(read(t, docs))); diff != "" {
		t.Errorf("docs/policy.md (-want +got):\n%s", diff)
	}
}

// The tables have the bounds of lists and mappings, also of those that contain sections.
func TestDocsTellBounds(t *testing.T) {
	text := string(read(t, docs))
	for key, want := range map[string]string{
		"fallbacks": "a list of at most 32 mappings", "arms": "a list of 2 to 16 mappings", "rules": "a list of 1 to 256 mappings",
		"models": "a mapping from names to mappings, at most 1000", "tenants": "a mapping from names to mappings, at most 1000",
	} {
		if !regexp.MustCompile(`(?m)^\| ` + "`" + key + "`" + `( \(required\))? \| ` + want + `\b`).MatchString(text) {
			t.Errorf("docs/policy.md does not say of %s that it is %s", key, want)
		}
	}
}
