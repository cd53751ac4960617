package main

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// played returns what the sample prints, in virtual time, and the models that its server
// was asked for.
func played(t *testing.T) (out string, asked map[string]int) {
	t.Helper()
	asked = map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		server := fallbacktest.NewPipeServer()
		defer server.Close()
		var screen bytes.Buffer
		if err := play(t.Context(), &screen, server); err != nil {
			t.Fatal(err)
		}
		out = screen.String()
		for _, r := range server.Requests() {
			asked[r.Model]++
		}
	})
	return out, asked
}

// B78, B123: of a workload with 70 % easy questions, 60 % of the bill is saved, with the
// same answers.
func TestCascadeSaves(t *testing.T) {
	easy := 0
	for _, q := range workload {
		if q.wrong == "" {
			easy++
		}
	}
	if easy*10 != len(workload)*7 {
		t.Errorf("%d of %d questions are easy, want 70 %%", easy, len(workload))
	}
	out, asked := played(t)
	if diff := cmp.Diff(map[string]int{cheap: len(workload), strong: len(workload) + len(workload) - easy}, asked); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	_, saved, _ := strings.Cut(out, "\nsaved ")
	percent, rest, _ := strings.Cut(saved, " %; ")
	if n, err := strconv.Atoi(percent); err != nil || n < 60 || rest != "20 of 20 answers are the same\n" {
		t.Errorf("saved %q, want 60 %% or more, and the same answers", saved)
	}
}

func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	out, _ := played(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```text\n")
	shown, _, _ := strings.Cut(rest, "```")
	if diff := cmp.Diff(strings.TrimSpace(out), strings.TrimSpace(shown)); diff != "" {
		t.Errorf("README.md (-printed +readme):\n%s", diff)
	}
}

func TestRunsWithoutAKey(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out, ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "20 of 20 answers are the same") {
		t.Errorf("printed:\n%s", out.String())
	}
}

func TestInterruptEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, &bytes.Buffer{}, ""); err == nil {
		t.Error("no error, want that of the context")
	}
}
