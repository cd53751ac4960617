// Package headlines_test runs the commands of README.md.
package headlines_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// headline is a command of README.md, and the lines that it shows.
var headline = regexp.MustCompile("(?m)^```sh\ngo run ./cmd/adk-fallback (.*)\n```\n\n```text\n((?:.*\n)+?)```$")

// B76, B85: each headline is met, and is what README.md shows. With a bound that no policy keeps, the
// same command fails.
func TestHeadlines(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "adk-fallback.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/adk-fallback").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	// printed returns the lines about bounds, and the exit status.
	printed := func(t *testing.T, command string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, words(command)...)
		cmd.Dir = "../.."
		out, err := cmd.Output()
		status := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		lines := regexp.MustCompile(`(?m)^(met|missed): .*\n`).FindAllString(string(out), -1)
		return strings.Join(lines, ""), status
	}
	all := headline.FindAllStringSubmatch(string(readme), -1)
	if len(all) != 5 {
		t.Fatalf("README.md has %d headlines, want 5", len(all))
	}
	for i, found := range all {
		command, shown := found[1], found[2]
		t.Run(strings.TrimSuffix(filepath.Base(words(command)[1]), ".yaml"), func(t *testing.T) {
			t.Parallel()
			got, status := printed(t, command)
			if diff := cmp.Diff(shown, got); diff != "" || status != 0 {
				t.Errorf("status %d; README.md shows (-README +printed):\n%s", status, diff)
			}
			if i > 0 {
				return
			}
			if got, status := printed(t, command+" --calls 500 --require 'available <= 0%'"); status != 1 || !strings.Contains(got, "missed: ") {
				t.Errorf("with a bound that is missed: status %d, want 1, and:\n%s", status, got)
			}
		})
	}
}

// The table in the module's README has the figures of README.md.
func TestTableOfTheModule(t *testing.T) {
	here, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(module), "\n## Headlines\n")
	table, _, _ = strings.Cut(table, "\n## ")
	for measured, told := range map[string]string{
		"failed is 0.000% (without: 20.128%)":                        "| 20.1 % of calls fail | 0.000 % of ",
		"p50 is 0s, 0.0% of without (1.231s)":                        "| median 1.23 s | 0 s ",
		"cost is $11.02, 29.4% of without ($37.47)":                  "| $37.47, 4.0 % wrong | $11.02 (−71 %), 4.6 % wrong |",
		"wrong is 4.648% (without: 4.020%)":                          "4.0 % wrong",
		"first content p99 is 4.268s (without: 7.806s)":              "| p99 of first content 7.8 s | 4.3 s, 4.6 % extra requests |",
		"hedge.yaml: amplification is 1.046 (without: 1.000)":        "4.6 % extra requests",
		"total-outage.yaml: amplification is 1.042 (without: 1.000)": "| 1 request for each call | 1.04 ",
	} {
		if !strings.Contains(string(here), measured) || !strings.Contains(table, told) {
			t.Errorf("README.md does not show %q, or the module's README not %q", measured, told)
		}
	}
}

// words splits a command as a shell does: single quotes hold words together.
func words(command string) (all []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1) {
		all = append(all, strings.Trim(word, "'"))
	}
	return all
}
