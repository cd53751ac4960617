package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chat says messages in ADK's console, and returns what a terminal shows.
func chat(t *testing.T, mode, messages string) string {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte(messages), 0o600); err != nil {
		t.Fatal(err)
	}
	keyboard, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	screen, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	stdin, stdout := os.Stdin, os.Stdout // ADK's console takes no others
	defer func() { os.Stdin, os.Stdout = stdin, stdout }()
	os.Stdin, os.Stdout = keyboard, screen
	if err := run(t.Context(), io.Discard, screen, "", []string{"console", "-streaming_mode", mode}); err != nil {
		t.Fatal(err)
	}
	shown, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}

var (
	typed = regexp.MustCompile(`(?m)^User -> (.+\n)`)
	took  = regexp.MustCompile(`(?m)  [\d.]+(µs|ms|s)$`) // differs from run to run
)

// B125: the attempts of a chat are shown once each, and no line splits an answer.
func TestREADMEShowsTheChat(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "quickstart console\n```\n\n```text\n")
	block, _, _ := strings.Cut(rest, "```")
	var messages strings.Builder
	for _, message := range typed.FindAllStringSubmatch(block, -1) {
		messages.WriteString(message[1])
	}
	want := took.ReplaceAllString(typed.ReplaceAllString(block, "User -> "), "")
	for _, mode := range []string{"none", "sse"} {
		shown, _, _ := strings.Cut(chat(t, mode, messages.String()), "\nUser -> \nEOF detected")
		if diff := cmp.Diff(want, took.ReplaceAllString(strings.TrimLeft(shown, "\n"), "")); diff != "" {
			t.Errorf("streaming mode %s (-README +shown):\n%s", mode, diff)
		}
	}
}
