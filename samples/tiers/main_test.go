package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// played returns what the sample prints, in virtual time, on strict servers.
func played(t *testing.T) (out string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := fallbacktest.NewPipeServer()
		defer server.Close()
		server.Strict()
		server.StrictAs(fallbacktest.Ollama, localName)
		var screen bytes.Buffer
		if err := play(t.Context(), &screen, server); err != nil {
			t.Fatal(err)
		}
		for _, violation := range server.Violations() {
			t.Error(violation)
		}
		out = screen.String()
	})
	return out
}

// B87: each tier answers in its turn, and each last resort says so.
func TestEveryTierAnswersInItsTurn(t *testing.T) {
	var by []string
	for line := range strings.Lines(played(t)) {
		if rest, ok := strings.CutPrefix(line, "    by     "); ok {
			who, _, _ := strings.Cut(strings.TrimSpace(rest), ", after")
			by = append(by, who)
		}
	}
	want := []string{
		flashName, gptName, claudeName, localName, "cached-answer, degraded", "retrieval, degraded", "deferred, degraded",
		"template-response, degraded",
		"deferred, degraded", "retrieval, degraded", "cached-answer, degraded", localName,
		localName, localName, // the two deferred answers
		claudeName, gptName, flashName,
	}
	if diff := cmp.Diff(want, by); diff != "" {
		t.Errorf("answered by (-want +got):\n%s", diff)
	}
}

func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```text\n")
	shown, _, _ := strings.Cut(rest, "```")
	if diff := cmp.Diff(strings.TrimSpace(played(t)), strings.TrimSpace(shown)); diff != "" {
		t.Errorf("README.md (-printed +readme):\n%s", diff)
	}
}

func TestRunsWithoutAKey(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "    user   "); got != len(scenes) {
		t.Errorf("%d questions, want %d:\n%s", got, len(scenes), out.String())
	}
}

func TestInterruptEndsTheConversation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, &bytes.Buffer{}); err == nil {
		t.Error("no error, want that of the context")
	}
}
