package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// edit is what the file holds from a moment on.
type edit struct {
	at   time.Duration
	file string
}

// terminal has what is printed. It is safe for concurrent use.
type terminal struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// played returns what the sample prints in virtual time, while its file is
// edited.
func played(t *testing.T, o options, edits ...edit) (out string) {
	t.Helper()
	o.file, o.every = filepath.Join(t.TempDir(), "fallback.yaml"), time.Second
	write := func(content string) {
		if err := os.WriteFile(o.file, []byte(content), 0o600); err != nil {
			t.Error(err)
		}
	}
	write(string(original))
	synctest.Test(t, func(t *testing.T) {
		server := fallbacktest.NewPipeServer()
		defer server.Close()
		for _, e := range edits {
			time.AfterFunc(e.at, func() { write(e.file) })
		}
		var screen terminal
		if err := play(t.Context(), &screen, server, o); err != nil {
			t.Fatal(err)
		}
		out = screen.String()
	})
	return out
}

// B92
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	good := string(original)
	out := played(t, options{turns: 9},
		edit{2500 * time.Millisecond, strings.Replace(good, `condition: "error`, `condition: "errors`, 1)},
		edit{6500 * time.Millisecond, strings.Replace(good, "primary: gemini-2.5-flash", "primary: gemini-2.5-flash-lite", 1)},
	)
	if diff := cmp.Diff(shown(t, "## A walk through"), out); diff != "" {
		t.Errorf("README.md (-readme +printed):\n%s", diff)
	}
}

// shown returns the output in a section of the README.
func shown(t *testing.T, heading string) string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), heading+"\n")
	_, rest, _ := strings.Cut(section, "```text\n")
	text, _, _ := strings.Cut(rest, "```")
	return text
}

var took = regexp.MustCompile(`(?m)  [\d.]+(µs|ms|s)$`) // depends on the machine

// B125: each attempt has a line, once, between its question and the answer.
func TestReadmeShowsWhatWatchPrints(t *testing.T) {
	out := played(t, options{turns: 2, watch: true})
	want := took.ReplaceAllString(shown(t, "## Watch the attempts"), "")
	if diff := cmp.Diff(want, took.ReplaceAllString(out, "")); diff != "" {
		t.Errorf("README.md (-readme +printed):\n%s", diff)
	}
}

func TestWatchShowsTheLastResort(t *testing.T) {
	out := played(t, options{turns: 5, watch: true}, edit{time.Second, "primary: gemini-2.5-flash\nfallbacks: [{name: template-response}]\ndegrade: {template: Closed.}\n"})
	want := "overloaded or unavailable\n  template-response  ok\n  the last resort template-response answered\n"
	if !strings.Contains(took.ReplaceAllString(out, ""), want) {
		t.Errorf("no lines %q:\n%s", want, out)
	}
}

// B92
func TestFileThatIsGoneChangesNothing(t *testing.T) {
	o := options{file: filepath.Join(t.TempDir(), "fallback.yaml"), every: time.Second, turns: 4}
	if err := os.WriteFile(o.file, original, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		server := fallbacktest.NewPipeServer()
		defer server.Close()
		time.AfterFunc(time.Second, func() { os.Remove(o.file) })
		var screen terminal
		if err := play(t.Context(), &screen, server, o); err != nil {
			t.Fatal(err)
		}
		out := screen.String()
		if got := strings.Count(out, "gemini-2.5-flash\n"); got != 3 || !strings.Contains(out, "the old policy stays in use") {
			t.Errorf("the primary answered %d times, want 3, and a line about the missing file:\n%s", got, out)
		}
	})
}

// B87
func TestLastResortAnswersWhenNoModelDoes(t *testing.T) {
	out := played(t, options{turns: 5}, edit{time.Second, "primary: gemini-2.5-flash\nfallbacks: [{name: template-response}]\ndegrade: {template: Closed.}\n"})
	if want := "Paris   Closed.                   template-response, not gemini-2.5-flash: overloaded or unavailable\n"; !strings.Contains(out, want) {
		t.Errorf("no line %q:\n%s", want, out)
	}
}

func TestFailedTurnIsTold(t *testing.T) {
	out := played(t, options{turns: 5}, edit{time.Second, "primary: gemini-2.5-flash\n"})
	if !strings.Contains(out, "Paris   no answer: ") {
		t.Errorf("no failed turn:\n%s", out)
	}
}

func TestRunsWithoutAKeyOnACopyOfItsFile(t *testing.T) {
	t.Chdir(t.TempDir()) // where the sample's files are not
	var out terminal
	if err := run(t.Context(), &out, "", options{every: time.Millisecond, turns: 3}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"It stops after question 3.", "It is sunny in Berlin.", "It is cloudy in Paris.", "It is snowing in Oslo."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
	file, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "Edit "), " while the agent answers.")
	if _, err := os.Stat(filepath.Dir(file)); filepath.Base(file) != "fallback.yaml" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end the folder of %s has the error %v, want none to be left", file, err)
	}
}

func TestInterruptEndsTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out terminal
	if err := run(ctx, &out, "", options{every: time.Hour}); err != nil {
		t.Errorf("error %v, want none", err)
	}
	if got := out.String(); !strings.Contains(got, "Press Ctrl-C to stop.") || strings.Contains(got, "canceled") {
		t.Errorf("output %q, want how to stop, and no error", got)
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	err := run(t.Context(), &terminal{}, "", options{file: filepath.Join(t.TempDir(), "none.yaml"), turns: 1})
	if err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("error %v, want one about none.yaml", err)
	}
}
