package observe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func TestConsoleLineOfAnAttempt(t *testing.T) {
	for _, c := range []struct {
		name    string
		attempt call.Attempt
		want    string
	}{
		{"it answered", call.Attempt{Model: "pro", Outcome: call.OK, Duration: 340 * time.Millisecond}, "  pro  ok  340ms\n"},
		{"of unknown duration", call.Attempt{Model: "pro", Outcome: call.OK}, "  pro  ok\n"},
		{"it failed", call.Attempt{Model: "flash", Outcome: call.Failed, Code: "RESOURCE_EXHAUSTED", Kind: "quota", HTTPStatus: 429, Reason: "a quota is exhausted", Message: "see the docs", Duration: 12 * time.Millisecond}, "  flash  failed  429 quota: a quota is exhausted  12ms\n"},
		{"without a rule", call.Attempt{Model: "flash", Outcome: call.Failed, Kind: "other", Message: "no route"}, "  flash  failed  other: no route\n"},
		{"without a kind", call.Attempt{Model: "flash", Outcome: call.Failed, Code: "SAFETY"}, "  flash  failed  SAFETY\n"},
		{"without a text", call.Attempt{Model: "flash", Outcome: call.Failed, HTTPStatus: 503}, "  flash  failed  503\n"},
		{"skipped", call.Attempt{Model: "flash", Outcome: call.Skipped, Kind: "refused", Reason: "the breaker is open"}, "  flash  skipped  the breaker is open\n"},
		{"skipped without a reason", call.Attempt{Model: "flash", Outcome: call.Skipped, Kind: "refused"}, "  flash  skipped  refused\n"},
		{"after a wait", call.Attempt{Model: "pro", Outcome: call.OK, Duration: time.Second, Wait: 2 * time.Second}, "  pro  ok  1s, after a wait of 2s\n"},
		{"after a wait, of unknown duration", call.Attempt{Model: "pro", Outcome: call.OK, Wait: 1500 * time.Millisecond}, "  pro  ok  after a wait of 1.5s\n"},
		{"without a name", call.Attempt{Outcome: call.OK}, "  (no name)  ok\n"},
		{"in microseconds", call.Attempt{Model: "m", Outcome: call.OK, Duration: 412345}, "  m  ok  412µs\n"},
		{"in less than one", call.Attempt{Model: "m", Outcome: call.OK, Duration: 1}, "  m  ok  1µs\n"},
		{"in milliseconds", call.Attempt{Model: "m", Outcome: call.OK, Duration: 12345678}, "  m  ok  12ms\n"},
		{"in seconds", call.Attempt{Model: "m", Outcome: call.OK, Duration: 1234567890}, "  m  ok  1.23s\n"},
		{"in minutes", call.Attempt{Model: "m", Outcome: call.OK, Duration: 83456 * time.Millisecond}, "  m  ok  1m23.5s\n"},
		{"redacted", call.Attempt{Model: "m", Outcome: call.Failed, Kind: "auth", Message: "key AIzaSyA1234567890abcdefghijklmnopqrstuv of ada@example.com"}, "  m  failed  auth: key [redacted] of [redacted]\n"},
	} {
		var out bytes.Buffer
		observe.Console(&out).OnAttempt(t.Context(), c.attempt)
		if got := out.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestConsoleLineOfTheEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		result call.Result
		want   string
	}{
		{"a model answered", call.Result{Outcome: call.OK, Duration: time.Second}, ""},
		{"a fallback answered", call.Result{Outcome: call.OK, Metadata: call.Metadata{Triggered: true, FallbackModel: "pro"}}, ""},
		{"a last resort answered", call.Result{Outcome: call.OK, Metadata: call.Metadata{Degraded: "template-response"}, Duration: time.Second}, "  the last resort template-response answered  1s\n"},
		{"no target answered", call.Result{Outcome: call.Failed, Duration: 2 * time.Second}, "  no target answered  2s\n"},
		{"the caller cancelled", call.Result{Outcome: call.Cancelled}, "  cancelled\n"},
	} {
		var out bytes.Buffer
		observe.Console(&out).OnEnd(t.Context(), c.result)
		if got := out.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// B125: every attempt of real calls has its line, once and in order.
func TestConsoleShowsEveryAttemptOnce(t *testing.T) {
	down := llmtest.Fail(llmtest.ErrUnavailable)
	for _, c := range []struct {
		name string
		tree func(call.Hooks) model.LLM
		want []string
	}{
		{"the primary answers", func(h call.Hooks) model.LLM {
			return router.MustFallback(router.Config{Hooks: h}, llmtest.NewModel("a", llmtest.Text("x")), llmtest.NewModel("b", llmtest.Text("x")))
		}, []string{"a  ok"}},
		{"a fallback answers", func(h call.Hooks) model.LLM {
			return router.MustFallback(router.Config{Hooks: h}, llmtest.NewModel("a", down), llmtest.NewModel("b", llmtest.Text("x")))
		}, []string{"a  failed  503 overloaded: overloaded or unavailable", "b  ok"}},
		{"a last resort answers", func(h call.Hooks) model.LLM {
			return router.MustFallback(router.Config{Hooks: h}, llmtest.NewModel("a", down), degrade.MustTemplate(degrade.TemplateConfig{Name: "sorry", Text: "x"}))
		}, []string{"a  failed  503 overloaded: overloaded or unavailable", "sorry  ok", "the last resort sorry answered"}},
		{"no target answers", func(h call.Hooks) model.LLM {
			return router.MustFallback(router.Config{Hooks: h}, llmtest.NewModel("a", down), llmtest.NewModel("b", down))
		}, []string{"a  failed  503 overloaded: overloaded or unavailable", "b  failed  503 overloaded: overloaded or unavailable", "no target answered"}},
		{"after a retry", func(h call.Hooks) model.LLM {
			retried := middleware.Chain(llmtest.NewModel("a", down, llmtest.Text("x")), middleware.MustRetry(middleware.RetryConfig{BaseDelay: time.Second, Rand: func() float64 { return 0 }}))
			return router.MustFallback(router.Config{Hooks: h}, retried, llmtest.NewModel("b", llmtest.Text("x")))
		}, []string{"a  failed  503 overloaded: overloaded or unavailable", "a  ok  after a wait of 500ms"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			llmtest.Consume(t.Context(), c.tree(observe.Console(&out)), 0)
			if diff := cmp.Diff("  "+strings.Join(c.want, "\n  ")+"\n", out.String()); diff != "" || strings.Contains(out.String(), "question") {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

// B141
func TestConsoleNeutralisesHostileTexts(t *testing.T) {
	hostile := []string{
		"m\n  pro  ok  1ms", "\r\x1b[2K\x1b[1A", "\x1b]0;title\a", "\u009b31m", "a\u202eb\u2066c\u200fd", "\u2028\u2029\u0085\v\f", "\xff\xfe\xed\xa0\x80",
		"<script>alert(1)</script>", "%s%d%!", "\U000E0041\u200b", strings.Repeat("\x1b[", 1<<19), strings.Repeat("x", 1<<20), " \t ", "",
	}
	for i, text := range hostile {
		var out bytes.Buffer
		hooks := observe.Console(&out)
		hooks.OnAttempt(t.Context(), call.Attempt{Model: text, Outcome: call.Outcome(text), Code: text, Kind: text, Reason: text, Message: text})
		hooks.OnAttempt(t.Context(), call.Attempt{Model: text, Outcome: call.Skipped, Message: text})
		hooks.OnEnd(t.Context(), call.Result{Outcome: call.OK, Metadata: call.Metadata{Degraded: text + "x", Reason: text, Notice: text}})
		got := out.String()
		lines := strings.SplitAfter(got, "\n")
		if len(lines) != 4 || lines[3] != "" {
			t.Errorf("text %d: %d lines, want 3:\n%q", i, len(lines)-1, got)
		}
		for _, line := range lines[:len(lines)-1] {
			line = strings.TrimSuffix(line, "\n")
			if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || len(line) > 1024 {
				t.Errorf("text %d: a line of %d bytes that is too long or does not print: %.200q", i, len(line), line)
			}
		}
	}
}

// A name or a message cannot pretend to be more parts of the line.
func TestConsoleKeepsPartsApart(t *testing.T) {
	var out bytes.Buffer
	observe.Console(&out).OnAttempt(t.Context(), call.Attempt{Model: "pro  ok  1ms", Outcome: call.Failed, Kind: "quota", Reason: "none\n  lite  ok"})
	if want := "  pro ok 1ms  failed  quota: none lite ok\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// writes counts calls of Write and notices those that overlap.
type writes struct {
	busy  sync.Mutex
	lines []string // guarded by busy
	t     *testing.T
}

func (w *writes) Write(p []byte) (int, error) {
	if !w.busy.TryLock() {
		w.t.Error("two writes overlap")
		return 0, nil
	}
	defer w.busy.Unlock()
	runtime.Gosched() // lets another write begin
	w.lines = append(w.lines, string(p))
	return len(p), nil
}

func TestConsoleWritesWholeLinesOneByOne(t *testing.T) {
	out := &writes{t: t}
	hooks := observe.Console(out)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 100 {
				hooks.OnAttempt(t.Context(), call.Attempt{Model: fmt.Sprint("m", i), Outcome: call.OK})
			}
			hooks.OnEnd(t.Context(), call.Result{Outcome: call.Cancelled})
		})
	}
	wg.Wait()
	if len(out.lines) != 16*101 {
		t.Errorf("%d writes, want one for each of %d lines", len(out.lines), 16*101)
	}
	for _, line := range out.lines {
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Fatalf("a write of %q, want one line", line)
		}
	}
}

// device is a writer that says it is a terminal.
type device struct{ bytes.Buffer }

func (*device) Stat() (fs.FileInfo, error) { return charDevice{}, nil }

type charDevice struct{ fs.FileInfo }

func (charDevice) Mode() fs.FileMode { return fs.ModeDevice | fs.ModeCharDevice }

func TestConsoleIsDimOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("WT_SESSION", "session") // the same on Windows
	for noColor, want := range map[string]string{"": "\x1b[2m  m  ok\x1b[0m\n", "1": "  m  ok\n"} {
		t.Setenv("NO_COLOR", noColor)
		var out device
		observe.Console(&out).OnAttempt(t.Context(), call.Attempt{Model: "m", Outcome: call.OK})
		if got := out.String(); got != want {
			t.Errorf("NO_COLOR=%s: %q, want %q", noColor, got, want)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

type panicking struct{ writes int }

func (p *panicking) Write([]byte) (int, error) { p.writes++; panic("no writer") }

// A writer that fails, even by a panic, keeps neither the call nor the next line.
func TestConsoleWithoutAWorkingWriter(t *testing.T) {
	broken := &panicking{}
	for name, hooks := range map[string]call.Hooks{"nil": observe.Console(nil), "failing": observe.Console(failing{}), "panicking": observe.Console(broken)} {
		m := router.MustFallback(router.Config{Hooks: hooks}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("b", llmtest.Text("hello")))
		if got := llmtest.Consume(t.Context(), m, 0); got != "hello" {
			t.Errorf("%s: answer %q, want hello", name, got)
		}
	}
	if h := observe.Console(nil); h.OnAttempt != nil || h.OnEnd != nil {
		t.Error("a nil writer has hooks, which can only panic")
	}
	if broken.writes != 2 {
		t.Errorf("%d writes after a panic, want 2", broken.writes)
	}
}

func ExampleConsole() {
	var lines bytes.Buffer
	hooks := observe.Console(&lines) // an application uses os.Stderr
	ctx := context.Background()
	hooks.OnAttempt(ctx, call.Attempt{Model: "gemini-2.5-flash", Outcome: call.Failed, HTTPStatus: 429, Kind: "quota", Reason: "a quota of an hour or longer is exhausted", Duration: 12 * time.Millisecond})
	hooks.OnAttempt(ctx, call.Attempt{Model: "gemini-2.5-pro", Outcome: call.OK, Duration: 340 * time.Millisecond})
	fmt.Print(lines.String())
	// Output:
	//   gemini-2.5-flash  failed  429 quota: a quota of an hour or longer is exhausted  12ms
	//   gemini-2.5-pro  ok  340ms
}
