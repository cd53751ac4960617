package plugintest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// heard is what hooks and the log of a plugin were told.
type heard struct {
	mu        sync.Mutex
	attempts  []string     // guarded by mu
	ends      []string     // guarded by mu
	fallbacks []string     // guarded by mu
	log       bytes.Buffer // guarded by mu
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

// listen lets h hear what config's plugin does.
func (h *heard) listen(config turn.Config) turn.Config {
	config.Logger = slog.New(slog.NewTextHandler(h, nil))
	config.OnAttempt = func(_ context.Context, a call.Attempt) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.attempts = append(h.attempts, a.Model+" "+string(a.Outcome))
	}
	config.OnFallback = func(_ context.Context, md call.Metadata) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.fallbacks = append(h.fallbacks, fmt.Sprintf("%s to %q after %s", md.OriginalModel, md.FallbackModel, strings.Join(outcomes(md), ", ")))
	}
	config.OnEnd = func(_ context.Context, r call.Result) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ends = append(h.ends, fmt.Sprintf("%s %s %d", r.Outcome, r.ModelName, len(r.Attempts)))
	}
	return config
}

// B125: hooks hear every attempt and every fallback once, and the log has one line
// for each move to another model.
func (s *suite) hooks(t *testing.T) {
	for name, test := range map[string]struct {
		config              turn.Config
		model               model.LLM
		attempts, fallbacks []string
		ends                []string // the outcome, the model and the number of attempts of each call
		lines               []string // what each line of the log has
	}{
		"healthy": {
			turn.Config{Recover: llmtest.NewModel("pro", llmtest.Text("x"))}, llmtest.NewModel("flash", llmtest.Text("fine")), []string{"flash ok"}, nil, []string{"ok flash 1"}, nil,
		},
		"Recover": {
			turn.Config{Recover: llmtest.NewModel("pro", llmtest.Text("saved"))}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)),
			[]string{"flash failed", "pro ok"}, []string{`flash to "pro" after flash failed, pro ok`},
			[]string{"ok pro 2"}, []string{"original_model=flash failed_model=flash fallback_model=pro attempt=1 code=429"},
		},
		"Recover, in a tool loop": {
			turn.Config{Recover: llmtest.NewModel("pro", llmtest.Call("c1", "lookup", "", nil), llmtest.Text("saved"))}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)),
			[]string{"flash failed", "pro ok", "pro ok"},
			[]string{`flash to "pro" after flash failed, pro ok`, `flash to "pro" after flash failed, pro ok`},
			[]string{"ok pro 2", "ok pro 2"}, []string{"fallback_model=pro"},
		},
		"Recover fails too": {
			turn.Config{Recover: llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrInternal))}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)),
			[]string{"flash failed", "pro failed"}, []string{`flash to "" after flash failed, pro failed`}, []string{"failed  2"}, []string{"level=WARN"},
		},
		"the outer loop": {
			turn.Config{FallbackModels: []string{"pro", "max"}},
			llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "pro": llmtest.Fail(llmtest.ErrDeadline), "max": llmtest.Text("saved")})),
			[]string{"flash failed", "pro failed", "max ok"}, []string{`flash to "max" after flash failed, pro failed, max ok`},
			[]string{"ok max 3"}, []string{"failed_model=flash fallback_model=pro attempt=1 code=429", "failed_model=pro fallback_model=max attempt=2 code=504"},
		},
		"the outer loop, and nobody is left": {
			turn.Config{FallbackModel: "pro"}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)),
			[]string{"flash failed", "pro failed"}, []string{`flash to "" after flash failed, pro failed`},
			[]string{"failed  2"}, []string{"failed_model=flash fallback_model=pro", "level=WARN"},
		},
		"the outer loop ends in another error": {
			turn.Config{FallbackModel: "pro"}, llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "pro": llmtest.Fail(llmtest.ErrInternal)})),
			[]string{"flash failed", "pro failed"}, []string{`flash to "" after flash failed, pro failed`},
			[]string{"failed  2"}, []string{"failed_model=flash fallback_model=pro"},
		},
		"nothing to fall back to": {
			turn.Config{}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)), []string{"flash failed"}, nil, []string{"failed  1"}, []string{"nothing to fall back to"},
		},
		"not configured": {
			turn.Config{FallbackModel: "pro"}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrInternal)), []string{"flash failed"}, nil, []string{"failed  1"}, nil,
		},
		"a router inside": {
			turn.Config{FallbackModel: "pro"}, router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrInternal)), llmtest.NewModel("lite", llmtest.Text("fine"))),
			[]string{"flash failed", "lite ok"}, []string{`flash to "lite" after flash failed, lite ok`}, []string{"ok lite 2"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var h heard
			app := s.NewApp(t, Setup{
				Config: h.listen(test.config), Stream: s.stream, Agent: Agent{Name: "agent", Model: test.model, Lookup: func() {}},
			})
			_, _ = app.Retry(t.Context(), "s", "a secret question") // how it ends is others' to prove
			if diff := cmp.Diff(test.attempts, h.attempts); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.fallbacks, h.fallbacks); diff != "" {
				t.Errorf("fallbacks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.ends, h.ends); diff != "" {
				t.Errorf("ends (-want +got):\n%s", diff)
			}
			h.checkLog(t, test.lines)
		})
	}
	t.Run("a configured error is warned of once", s.hooksWarnOnce)
	t.Run("a panic is contained", s.hooksPanic)
}

func (s *suite) hooksWarnOnce(t *testing.T) {
	var h heard
	app := s.app(t, h.listen(turn.Config{ErrorCodes: []any{429, 500}}), llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrInternal)))
	for range 3 {
		_, _ = app.Run(t.Context(), "s", "a secret question")
	}
	h.checkLog(t, []string{"code=429", "code=500"})
}

func (h *heard) checkLog(t *testing.T, want []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(h.log.String(), "\n"), "\n")
	if h.log.Len() == 0 {
		lines = nil
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines are logged, want %d:\n%s", len(lines), len(want), h.log.String())
	}
	for i, line := range lines {
		if !strings.Contains(line, want[i]) || strings.Contains(line, "secret") {
			t.Errorf("line %d is %s; want %s in it", i+1, line, want[i])
		}
	}
}

func (s *suite) hooksPanic(t *testing.T) {
	var h heard
	config := h.listen(turn.Config{Recover: llmtest.NewModel("pro", llmtest.Text("saved"))})
	config.OnAttempt = func(context.Context, call.Attempt) { panic("boom") }
	config.OnFallback = func(context.Context, call.Metadata) { panic("boom") }
	app := s.app(t, config, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)))
	if got := final(t, mustRun(t, app, "s", "hi")).Text(); got != "saved" {
		t.Errorf("answer %q, want %q", got, "saved")
	}
	if n := strings.Count(h.log.String(), "panicked"); n != 3 {
		t.Errorf("%d panics are logged, want 3:\n%s", n, h.log.String())
	}
}
