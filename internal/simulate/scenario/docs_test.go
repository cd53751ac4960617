package scenario_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/simulate/scenario"
)

var update = flag.Bool("update", false, "write docs/simulate.md")

const (
	docs    = "../../../docs/simulate.md"
	builtin = "../../../cmd/adk-fallback/scenarios"
)

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// docs/simulate.md is generated from the code. Run the tests of this package with -update
// after a change.
func TestDocsAreUpToDate(t *testing.T) {
	type named struct{ Name, Title string }
	var scenarios []named
	files, err := filepath.Glob(builtin + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("error %v, or no scenarios", err)
	}
	for _, file := range files {
		s := parse(t, string(read(t, file)))
		scenarios = append(scenarios, named{strings.TrimSuffix(filepath.Base(file), ".yaml"), s.Title})
	}
	tmpl, err := template.ParseFiles("testdata/simulate.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := tmpl.Execute(&want, map[string]any{
		"Example": string(read(t, builtin+"/regional-outage.yaml")), "Scenarios": scenarios, "Keys": strings.TrimSuffix(scenario.Reference(), "\n"),
	}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(docs, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.String(), string(read(t, docs))); diff != "" {
		t.Errorf("docs/simulate.md (-want +got):\n%s", diff)
	}
}
