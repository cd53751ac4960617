package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/promtool"
)

// The rules of the file with every section, as printed and as written. With -update, the
// golden file is written anew.
func TestAlertsWritesRules(t *testing.T) {
	const golden = "testdata/everything.rules.yaml"
	printed, err := run(t, "", "alerts", "testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(printed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), printed); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if out, err := run(t, "", "alerts", "--output", file, "testdata/everything.yaml"); err != nil || out != "" {
		t.Errorf("error %v, output %q; want none", err, out)
	}
	written, err := os.ReadFile(file)
	if err != nil || string(written) != printed {
		t.Errorf("error %v, the file is (-printed +written):\n%s", err, cmp.Diff(printed, string(written)))
	}
	if out, err := promtool.Run(t, "check", "rules", "--lint-fatal", file); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// Warnings do not mix with rules.
func TestAlertsPrintsProblemsToStandardError(t *testing.T) {
	for _, test := range []struct{ policy, problems, rules string }{
		{"primary: gpt-5\nalerts: {budget_spent: 90%}\n", "<stdin>:2:24: warning: alerts.budget_spent: ", "# Made by adk-fallback alerts from \"<stdin>\""},
		{"primary: gpt-5\n", "", "# Made by "},
		{"primary: gpt-5\nalerts: {window: 5}\n", "<stdin>:2:18: alerts.window: must be ", ""},
	} {
		root := newRoot()
		var out, problems bytes.Buffer
		root.SetIn(strings.NewReader(test.policy))
		root.SetOut(&out)
		root.SetErr(&problems)
		root.SetArgs([]string{"alerts", "-"})
		err := root.Execute()
		if !strings.HasPrefix(out.String(), test.rules) || test.rules == "" && out.Len() > 0 {
			t.Errorf("%q: output %q, want rules that begin with %q", test.policy, out.String(), test.rules)
		}
		if !strings.HasPrefix(problems.String(), test.problems) || test.problems == "" && problems.Len() > 0 {
			t.Errorf("%q: problems %q, want %q", test.policy, problems.String(), test.problems)
		}
		if want := map[bool]int{true: exitProblems}[test.rules == ""]; exitStatus(err) != want {
			t.Errorf("%q: status %d (%v), want %d", test.policy, exitStatus(err), err, want)
		}
	}
}

func TestAlertsRefuses(t *testing.T) {
	policy := write(t, "primary: gpt-5\n")
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "alerts needs exactly one FILE, or - for standard input"},
		{[]string{"a.yaml", "b.yaml"}, "alerts needs exactly one FILE, or - for standard input"},
		{[]string{"none.yaml"}, "alerts: open none.yaml: "},
		{[]string{"testdata"}, "alerts: testdata is a folder; "},
		{[]string{"--output", "none/rules.yaml", "testdata/everything.yaml"}, "alerts: open none"},
		{[]string{"--output", policy, policy}, "alerts: --output: " + policy + " is an input, "},
		{[]string{"--ouput", "x", "a.yaml"}, "alerts: unknown flag --ouput; did you mean --output?"},
	} {
		out, err := run(t, "", append([]string{"alerts"}, test.args...)...)
		if exitStatus(err) != exitUsage || !strings.HasPrefix(err.Error(), test.want) || out != "" {
			t.Errorf("%q: error %v and output %q, want status %d and %q", test.args, err, out, exitUsage, test.want)
		}
	}
}
