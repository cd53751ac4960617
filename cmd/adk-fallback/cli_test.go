package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckReadsStandardInput(t *testing.T) {
	out, err := run(t, "primary: 5\n", "check", "-")
	if exitStatus(err) != exitProblems || !strings.HasPrefix(out, "<stdin>:1:10: primary: ") {
		t.Errorf("status %d, output %q; want status %d and a problem of <stdin>", exitStatus(err), out, exitProblems)
	}
	if out, err = run(t, "primary: gpt-5\n", "check", "-"); err != nil || !strings.Contains(out, "model gpt-5 (openai)") {
		t.Errorf("error %v, output %q; want a tree", err, out)
	}
}

func TestCheckChecksEveryFile(t *testing.T) {
	good, bad, warned := write(t, "primary: gpt-5\n"), write(t, "primary: 5\n"), write(t, "primary: gpt-5\npriority: {classes: [paid]}\n")
	out, err := run(t, "primary: gpt-4o\n", "check", good, bad, "-", warned)
	var got []string // the lines that have a place, and the heading of each tree
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, good) || strings.HasPrefix(line, bad) || strings.HasPrefix(line, warned) || strings.HasPrefix(line, "<stdin>") {
			line = strings.NewReplacer(good, "good", bad, "bad", warned, "warned").Replace(strings.TrimSpace(line))
			place, _, _ := strings.Cut(line, " ")
			got = append(got, strings.TrimSuffix(line[:min(len(line), len(place)+3)], "\n"))
		}
	}
	want := []string{"good: ok", "bad:1:10: pr", "<stdin>: ok", "warned:2:1: wa", "warned: ok"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, out)
	}
	if exitStatus(err) != exitProblems {
		t.Errorf("status %d (%v), want %d", exitStatus(err), err, exitProblems)
	}
}

func TestCheckPrintsAnObjectForEachFile(t *testing.T) {
	good, bad := write(t, "primary: gpt-5\n"), write(t, "primary: 5\n")
	out, err := run(t, "", "check", "--json", bad, good)
	decoder := json.NewDecoder(strings.NewReader(out))
	for _, want := range []struct {
		file string
		ok   bool
	}{{bad, false}, {good, true}} {
		var got findings
		if err := decoder.Decode(&got); err != nil || got.File != want.file || got.OK != want.ok || (got.Picture != nil) != want.ok {
			t.Errorf("error %v, object %+v, want one of %s with ok %v", err, got, want.file, want.ok)
		}
	}
	if decoder.More() || strings.Count(out, "\n") != 2 {
		t.Errorf("output %q, want two lines", out)
	}
	if exitStatus(err) != exitProblems {
		t.Errorf("status %d (%v), want %d", exitStatus(err), err, exitProblems)
	}
}

func TestFileThatCannotBeReadHidesNothing(t *testing.T) {
	bad := write(t, "primary: 5\n")
	out, err := run(t, "", "check", "none.yaml", bad, "testdata")
	if !strings.HasPrefix(out, bad+":1:10: ") {
		t.Errorf("output %q, want the problem of %s first", out, bad)
	}
	if exitStatus(err) != exitUsage || !strings.Contains(err.Error(), "none.yaml") || !strings.Contains(err.Error(), "\ncheck: testdata is a folder") {
		t.Errorf("status %d (%v), want %d and both files that cannot be read", exitStatus(err), err, exitUsage)
	}
}

func TestMisspeltCommandIsSuggested(t *testing.T) {
	for arg, want := range map[string]string{
		"chekc": `unknown command "chekc"; did you mean check?`, "explian": `unknown command "explian"; did you mean explain?`,
		"frobnicate": `unknown command "frobnicate"; see adk-fallback --help`, "--verison": "unknown flag --verison; did you mean --version?",
		"--colour": "unknown flag --colour; see adk-fallback --help",
	} {
		if out, err := run(t, "", arg); exitStatus(err) != exitUsage || err.Error() != want || out != "" {
			t.Errorf("%s: error %v and output %q, want status %d and %q alone", arg, err, out, exitUsage, want)
		}
	}
}

func TestHelpHasExamplesAndExitStatuses(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {}, {"check", "--help"}, {"alerts", "--help"}, {"explain", "--help"}, {"simulate", "--help"}, {"serve", "--help"}, {"keys", "--help"}, {"keys", "new", "--help"}} {
		out, err := run(t, "", args...)
		if err != nil || !strings.Contains(out, "Examples:\n  ") || !strings.Contains(out, exitHelp) {
			t.Errorf("%q: error %v, output lacks examples or exit statuses:\n%s", args, err, out)
		}
	}
}

func TestShellsCompletePolicyFiles(t *testing.T) {
	const yaml, nothing = "yaml\nyml\n:8\n", ":4\n" // cobra's directives: these extensions, and no files
	for args, want := range map[string]string{
		"check ": yaml, "check a.yaml ": yaml, "alerts ": yaml, "alerts a.yaml ": nothing, "alerts --output ": yaml, "explain --policy ": yaml, "simulate ": yaml, "simulate a.yaml ": yaml, "serve ": yaml, "serve a.yaml ": nothing, "serve --keys ": yaml, "serve --addr ": nothing, "explain ": nothing, "check --model ": nothing, "explain --header ": nothing,
	} {
		fields := append([]string{"__complete"}, strings.Split(args, " ")...)
		if out, err := run(t, "", fields...); err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%q: error %v, output %q, want %q", args, err, out, want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, err := run(t, "", "completion", shell); err != nil || !strings.Contains(out, "adk-fallback") {
			t.Errorf("%s: error %v and no script", shell, err)
		}
	}
}

// screen is an output that is a terminal, or a file.
type screen struct {
	bytes.Buffer
	mode fs.FileMode
}

func (s *screen) Stat() (fs.FileInfo, error) { return info{mode: s.mode}, nil }

type info struct {
	fs.FileInfo
	mode fs.FileMode
}

func (i info) Mode() fs.FileMode { return i.mode }

func TestOnlyTerminalsGetColours(t *testing.T) {
	const terminal = fs.ModeDevice | fs.ModeCharDevice
	file := write(t, "primary: cached-anwser\nfallback: []\n")
	plain := []string{file + ":1:10: warning: primary: ", file + ":2:1: unknown key "}
	colours := []string{"\x1b[1;33m" + file + ":1:10:\x1b[0m \x1b[1;33mwarning:\x1b[0m primary: ", "\x1b[1;31m" + file + ":2:1:\x1b[0m unknown key "}
	for _, test := range []struct {
		name          string
		out           io.ReadWriter
		term, noColor string
		want          []string
	}{
		{"terminal", &screen{mode: terminal}, "xterm-256color", "", colours},
		{"NO_COLOR", &screen{mode: terminal}, "xterm-256color", "1", plain},
		{"dumb terminal", &screen{mode: terminal}, "dumb", "", plain},
		{"terminal of unknown type", &screen{mode: terminal}, "", "", plain},
		{"file", &screen{}, "xterm-256color", "", plain},
		{"pipe", &screen{mode: fs.ModeNamedPipe}, "xterm-256color", "", plain},
		{"buffer", &bytes.Buffer{}, "xterm-256color", "", plain},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TERM", test.term)
			t.Setenv("NO_COLOR", test.noColor)
			root := newRoot()
			root.SetOut(test.out)
			root.SetArgs([]string{"check", file})
			if err := root.Execute(); exitStatus(err) != exitProblems {
				t.Fatal(err)
			}
			out, err := io.ReadAll(test.out)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if len(lines) != 2 || !strings.HasPrefix(lines[0], test.want[0]) || !strings.HasPrefix(lines[1], test.want[1]) {
				t.Errorf("output %q, want lines that begin with %q", lines, test.want)
			}
		})
	}
}
