package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

var update = flag.Bool("update", false, "write testdata/*.txt and the tree in README.md")

const (
	goodFiles = "../../plugin/fallback/policy/spec/testdata/good/"
	badFiles  = "../../plugin/fallback/policy/spec/testdata/bad/"
	example   = goodFiles + "example.yaml" // the example of the field
)

// write returns a file with the given content.
func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fallback.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// B90
func TestCheckPrintsWhatAPolicyBecomes(t *testing.T) {
	for golden, file := range map[string]string{
		"testdata/example.txt": example, "testdata/everything.txt": "testdata/everything.yaml",
	} {
		t.Run(golden, func(t *testing.T) {
			out, err := run(t, "", "check", file)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The file of which a model can be built has every section and every last resort that a model can be built from.
func TestEverythingHasEverySection(t *testing.T) {
	data, err := os.ReadFile("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Fallbacks []struct{ Name string }
		Sections  map[string]any `yaml:",inline"`
	}
	if err := yaml.Load(data, &file); err != nil {
		t.Fatal(err)
	}
	var missing []string
	for key := range spec.Schema().Properties {
		if _, ok := file.Sections[key]; !ok && key != "fallbacks" {
			missing = append(missing, key)
		}
	}
	for _, name := range []string{spec.CachedAnswer, spec.RetrievalAnswer, spec.DeferredAnswer, spec.TemplateResponse} {
		if !slices.ContainsFunc(file.Fallbacks, func(f struct{ Name string }) bool { return f.Name == name }) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	if diff := cmp.Diff([]string{"state"}, missing); diff != "" { // which is for a later version
		t.Errorf("missing (-want +got)\n%s", diff)
	}
}

// B90. With -update, what check prints is written into README.md.
func TestReadmeShowsTheExampleAndItsTree(t *testing.T) {
	const file = "../../README.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	readme := string(data)
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "", "check", example)
	if err != nil {
		t.Fatal(err)
	}
	out = strings.ReplaceAll(out, example, "fallback.yaml")
	if *update {
		before, after, ok := strings.Cut(readme, "\nworst case of a call\n")
		begin, end := strings.LastIndex(before, "```text\n"), strings.Index(after, "```\n")
		if !ok || begin < 0 || end < 0 {
			t.Fatal("README.md has no worst case of a call in a block of text")
		}
		readme = before[:begin] + "```text\n" + out + after[end:]
		if err := os.WriteFile(file, []byte(readme), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"```yaml\n" + string(text) + "```\n", "```text\n" + out + "```\n"} {
		if !strings.Contains(readme, want) {
			t.Errorf("README.md lacks the following; run this test with -update\n%s", want)
		}
	}
}

// B91
func TestCheckReportsEveryMistakeOfAFile(t *testing.T) {
	files, err := filepath.Glob(badFiles + "*.yaml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, error %v; want 60 or more", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			known, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			var want strings.Builder
			for line := range strings.Lines(string(known)) {
				want.WriteString(file + ":" + line)
			}
			out, err := run(t, "", "check", file)
			var got strings.Builder
			for line := range strings.Lines(out) {
				if strings.Contains(want.String(), line) { // TestCheckReportsWhatLoadDoes has the lines that need more than the file
					got.WriteString(line)
				}
			}
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if exitStatus(err) != exitProblems {
				t.Errorf("status %d (%v), want %d", exitStatus(err), err, exitProblems)
			}
		})
	}
}

// B91: what --model, the list prices and a build add to the mistakes in a file
// does not wait until those are mended.
func TestCheckReportsWhatIsKnownWithEveryMistake(t *testing.T) {
	file := write(t, "primary: gemini-v2\nfallbacks: [{name: house}, {name: hosue, condition: cost > 1.0}]\nretry: {max_attempts: 0}\nstate: {prefix: x}\n")
	out, err := run(t, "", "check", "--json", "--model", "house", file)
	var found findings
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	var got []string
	for _, p := range found.Problems {
		got = append(got, fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Column, p.Severity, p.Path))
	}
	want := []string{"2:35: error: fallbacks[1].name", "2:53: warning: fallbacks[1].condition", "3:23: error: retry.max_attempts", "4:1: error: state"}
	if diff := cmp.Diff(want, got); diff != "" || exitStatus(err) != exitProblems {
		t.Errorf("status %d, places (-want +got):\n%s", exitStatus(err), diff)
	}
}

func TestCheckJSON(t *testing.T) {
	file := write(t, "primary: fast\naliases: {fast: gemini-2.5-flash}\nfallbacks: [{name: house, condition: error || latency > 1s}]\n"+
		"models: {hou*: {price: {input: 0, output: 1}}}\ntimeouts: {fallback: 2s, attempt: 5s}\npriority: {classes: [paid]}\n")
	out, err := run(t, "", "check", "--json", file)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	model := func(settings string) map[string]any { return map[string]any{"layer": "model", "settings": settings} }
	around := func(layer, settings string, within ...any) map[string]any {
		return map[string]any{"layer": layer, "settings": settings, "within": within}
	}
	want := map[string]any{
		"file": file, "ok": true,
		"problems": []any{map[string]any{
			"line": 6.0, "column": 1.0, "path": "priority", "severity": "warning",
			"message": "priority has no effect without rate_limits; add that section",
		}},
		"models": []any{
			map[string]any{"name": "fast", "model": "gemini-2.5-flash", "from": "name", "provider": "gemini", "id": "gemini-2.5-flash"},
			map[string]any{"name": "house", "model": "house", "from": "application", "entry": "hou*", "id": "house"},
		},
		"tree": around("fallback", "in order; an answer that is cut off restarts",
			around("context_window", "1048576 tokens", around("timeout", "attempt 5s", model("fast (gemini as gemini-2.5-flash)"))),
			around("when", "error || latency > 1s", around("timeout", "first content 2s, attempt 5s", model("house (supplied by the application)")))),
		"worst_case": map[string]any{
			"attempts": 2.0, "waiting": map[string]any{"seconds": 3.0}, "whole": map[string]any{"seconds": 13.0},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// B91
func TestCheckJSONOfABrokenFile(t *testing.T) {
	out, err := run(t, "", "check", "--json", write(t, "primary: 5\nfallback: []\n"))
	if exitStatus(err) != exitProblems {
		t.Errorf("status %d (%v), want %d", exitStatus(err), err, exitProblems)
	}
	var got findings
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	if got.OK || len(got.Problems) != 2 || got.Picture != nil {
		t.Errorf("found %+v, want two problems and no tree", got)
	}
}

func TestCheckKnowsWhichModelsAreSupplied(t *testing.T) {
	file := write(t, "primary: house\nfallbacks: [{name: hosue}]\n")
	out, err := run(t, "", "check", "--model", "house", file)
	if want := file + `:2:20: fallbacks[0].name: "hosue" is not a known model`; exitStatus(err) != exitProblems || !strings.Contains(out, want) {
		t.Errorf("error %v, want status %d and %q:\n%s", err, exitProblems, want, out)
	}
	if out, err = run(t, "", "check", "--model", "house,hosue", file); err != nil || strings.Contains(out, "warning") {
		t.Errorf("error %v, want none, and no warning:\n%s", err, out)
	}
}

// A model that the application supplies overrides the provider of the file and of the name.
func TestSuppliedModelOverridesTheProvider(t *testing.T) {
	file := write(t, "primary: fast\naliases: {fast: gemini-2.5-flash}\nfallbacks: [{name: gpt-4o}, {name: template-response}]\n"+
		"models: {gpt-4o: {provider: openai, base_url: \"http://127.0.0.1:8080/v1\", credential_env: KEY}}\nbudgets: {usd_per_day: 1}\n")
	out, err := run(t, "", "check", "--model", "gemini-2.5-flash,gpt-4o", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"model fast (supplied by the application), at most 8192 output tokens\n", "model gpt-4o (supplied by the application), at most 8192 output tokens\n",
		"  gpt-4o  supplied by the application  models.gpt-4o\n", "try again later.\", but not when a budget is exhausted\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestSuppliedModelHasACredentialOfItsOwn(t *testing.T) {
	file := write(t, "primary: gpt-4o\nfallbacks: [{name: gpt-4.1}]\n")
	for _, test := range []struct {
		models []string
		warned bool
	}{{nil, true}, {[]string{"--model", "gpt-4o", "--model", "gpt-4.1"}, false}} {
		out, err := run(t, "", append([]string{"check", file}, test.models...)...)
		if warned := strings.Contains(out, "every model uses one credential"); err != nil || warned != test.warned {
			t.Errorf("%v: error %v, want none, and a warning of one credential %v:\n%s", test.models, err, test.warned, out)
		}
	}
}

func TestCheckPrintsTheSchema(t *testing.T) {
	out, err := run(t, "", "check", "--schema")
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(spec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCheckSaysHowToUseIt(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no file":         {nil, "check needs at least one FILE, or - for standard input"},
		"stdin twice":     {[]string{"-", example, "-"}, "check: - is given twice, but standard input can be read only once; replace one - by a file"},
		"schema and file": {[]string{"--schema", "a.yaml"}, "check: --schema takes no FILE; remove a.yaml"},
		"a folder":        {[]string{"testdata"}, "check: testdata is a folder; name its files, such as testdata" + string(os.PathSeparator) + "*.yaml"},
		"unknown flag":    {[]string{"--yaml", example}, "check: unknown flag --yaml; see adk-fallback check --help"},
		"misspelt flag":   {[]string{"--jsno", example}, "check: unknown flag --jsno; did you mean --json?"},
		"one dash":        {[]string{"-model=x", example}, "check: unknown flag -model; did you mean --model?"},
		"not a list":      {[]string{"--model", `"a`, example}, `check: --model is "\"a"; it must be names with commas between them`},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, "", append([]string{"check"}, tt.args...)...)
			if exitStatus(err) != exitUsage || err.Error() != tt.want {
				t.Errorf("error %v, want status %d and %q", err, exitUsage, tt.want)
			}
			if out != "" {
				t.Errorf("printed %q besides the error", out)
			}
		})
	}
	_, err := run(t, "", "check", filepath.Join(t.TempDir(), "none.yaml"))
	if exitStatus(err) != exitUsage || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want status %d and that there is no such file", err, exitUsage)
	}
}

func TestCheckedPolicyExitsWithZero(t *testing.T) {
	if _, err := run(t, "", "check", example); exitStatus(err) != 0 {
		t.Errorf("status %d (%v), want 0", exitStatus(err), err)
	}
}
