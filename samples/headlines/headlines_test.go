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

// words splits a command as a shell does: single quotes hold words together.
func words(command string) (all []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1) {
		all = append(all, strings.Trim(word, "'"))
	}
	return all
}
