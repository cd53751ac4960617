package observe_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"google.golang.org/adk/v2/model"
)

// newLogger returns a logger whose lines have no time, and what it has written.
func newLogger(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})), &out
}

// B140: one line for each call that was no plain success.
func TestLog(t *testing.T) {
	quota := func() model.LLM { return llmtest.NewModel("flash", after(time.Second, llmtest.Fail(llmtest.ErrQuota))) }
	retry := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: time.Second, MaxDelay: time.Second, Rand: func() float64 { return 1 }})
	for name, c := range map[string]struct {
		models []model.LLM
		cancel bool
		want   string
	}{
		"plain success": {models: []model.LLM{llmtest.NewModel("flash", llmtest.Text("Hello."))}},
		"fallback": {
			models: []model.LLM{quota(), llmtest.NewModel("pro", llmtest.Text("Hello."))},
			want:   `level=WARN msg="fallback: a fallback answered" invocation=i-1 agent=desk model=pro original_model=flash error_code=429 reason="rate limit without a hint: back off" attempts=2 duration=1s`,
		},
		"last resort": {
			models: []model.LLM{quota(), degrade.MustTemplate(degrade.TemplateConfig{Text: "Sorry."})},
			want:   `level=WARN msg="fallback: a last resort answered" invocation=i-1 agent=desk model=template-response original_model=flash error_code=429 reason="rate limit without a hint: back off" degraded=template-response attempts=2 duration=1s`,
		},
		"failure": {
			models: []model.LLM{quota()},
			want:   `level=ERROR msg="fallback: no target answered" invocation=i-1 agent=desk original_model=flash error_code=429 reason="rate limit without a hint: back off" attempts=1 duration=1s`,
		},
		"retry": {
			models: []model.LLM{retry(llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("Hello.")))},
			want:   `level=INFO msg="fallback: a target answered after failed attempts" invocation=i-1 agent=desk model=flash attempts=2 duration=1s`,
		},
		"cancelled": {
			models: []model.LLM{quota()}, cancel: true,
			want: `level=INFO msg="fallback: the call was cancelled" invocation=i-1 agent=desk attempts=1 duration=500ms`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logger, lines := newLogger(slog.LevelInfo)
				m := router.MustFallback(router.Config{Hooks: observe.MustNew(nil, logger).Hooks()}, c.models...)
				ctx := call.With(t.Context(), call.Info{Invocation: "i-1", Agent: "desk", User: "ada", Tenant: "acme"})
				if c.cancel {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
					defer cancel()
				}
				ask(t, ctx, m)
				if got := strings.TrimSuffix(lines.String(), "\n"); got != c.want {
					t.Errorf("logged\n%s\nwant\n%s", got, c.want)
				}
			})
		})
	}
}

func TestLogKeepsToTheLevelOfTheLogger(t *testing.T) {
	logger, lines := newLogger(slog.LevelError)
	m := router.MustFallback(router.Config{Hooks: observe.MustNew(nil, logger).Hooks()}, llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("b", llmtest.Text("hello")))
	ask(t, t.Context(), m)
	if lines.Len() > 0 {
		t.Errorf("logged %s", lines)
	}
}

// B141: a name cannot begin a line, move a cursor or reverse a text.
func TestHostileNamesInLogs(t *testing.T) {
	logger, lines := newLogger(slog.LevelInfo)
	hostile := "x\nlevel=ERROR msg=forged \x1b[2J\u202e\u2066\x00" + strings.Repeat("z", 1<<20)
	ctx := call.With(t.Context(), call.Info{Invocation: hostile, Agent: hostile})
	observe.MustNew(nil, logger).Hooks().OnEnd(ctx, call.Result{Outcome: call.OK, Metadata: call.Metadata{
		Triggered: true, ModelName: hostile, OriginalModel: hostile, ErrorCode: hostile, Reason: hostile, Degraded: hostile, ExperimentID: hostile, Cohort: hostile,
	}})
	got := strings.TrimSuffix(lines.String(), "\n")
	if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || len(got) > 4<<10 {
		t.Errorf("logged %.500q, %d bytes", got, len(got))
	}
}
