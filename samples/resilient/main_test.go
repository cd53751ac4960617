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

// played returns what the sample prints, in virtual time, and what its server
// saw.
func played(t *testing.T) (out string, asked []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := fallbacktest.NewPipeServer()
		defer server.Close()
		var screen bytes.Buffer
		if err := play(t.Context(), &screen, server); err != nil {
			t.Fatal(err)
		}
		out = screen.String()
		for _, r := range server.Requests() {
			asked = append(asked, r.Model)
		}
	})
	return out, asked
}

// B52, B55
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	out, asked := played(t)
	if diff := cmp.Diff([]string{flash, flash, pro, flash, pro}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
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
	if got := strings.Count(out.String(), "answered by"); got != len(questions) {
		t.Errorf("%d answers, want %d:\n%s", got, len(questions), out.String())
	}
}

func TestInterruptEndsTheConversation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, &bytes.Buffer{}, ""); err == nil {
		t.Error("no error, want that of the context")
	}
}
