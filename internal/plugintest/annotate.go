package plugintest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func (s *suite) healthy(t *testing.T) {
	root, backup := llmtest.NewModel("flash", llmtest.Text("hello there")), llmtest.NewModel("pro", llmtest.Text("backup"))
	app := s.app(t, turn.Config{Recover: backup, FallbackModel: "pro-name"}, root)
	events := mustRun(t, app, "s", "hi")
	if got := final(t, events).Text(); got != "hello there" {
		t.Errorf("answer %q, want %q", got, "hello there")
	}
	for _, ev := range append(events, app.Stored(t, "s")...) {
		if len(ev.Response.CustomMetadata) > 0 {
			t.Errorf("metadata %v on a healthy response", ev.Response.CustomMetadata)
		}
	}
	if n := len(backup.Requests()); n != 0 {
		t.Errorf("the backup was called %d times", n)
	}
}

func (s *suite) fiveKeys(t *testing.T) {
	app := s.app(t, turn.Config{FallbackModel: "pro"}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)))
	ev := final(t, mustRun(t, app, "s", "hi"))
	if ev.Response.ErrorCode != "429" || !strings.Contains(ev.Response.ErrorMessage, "quota") {
		t.Errorf("error %q: %q, want 429 and the provider's message", ev.Response.ErrorCode, ev.Response.ErrorMessage)
	}
	want := map[string]any{
		"fallback_triggered": true, "original_model": "flash", "fallback_model": "pro", "fallback_attempt": 1, "error_code": "429",
	}
	for key, value := range want {
		if diff := cmp.Diff(value, ev.Response.CustomMetadata[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	md, _ := ev.Metadata()
	if len(md.Attempts) != 1 || md.Attempts[0].Model != "flash" || md.Attempts[0].HTTPStatus != 429 {
		t.Errorf("attempts %+v, want one of flash with status 429", md.Attempts)
	}
}

func (s *suite) otherErrors(t *testing.T) {
	backup := llmtest.NewModel("pro", llmtest.Text("backup"))
	app := s.app(t, turn.Config{Recover: backup}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrInternal)))
	events, err := app.Run(t.Context(), "s", "hi")
	var api genai.APIError
	if !errors.As(err, &api) || api.Code != 500 {
		t.Errorf("error %v, want the model's own", err)
	}
	if len(events) > 0 || len(backup.Requests()) > 0 {
		t.Errorf("%d events and %d calls of the backup, want none", len(events), len(backup.Requests()))
	}

	blocked := &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}
	app = s.app(t, turn.Config{FallbackModel: "pro"}, llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse { return blocked })))
	ev := final(t, mustRun(t, app, "s", "hi"))
	if ev.Response.ErrorCode != "SAFETY" || ev.Response.CustomMetadata != nil {
		t.Errorf("response %+v, want it untouched", ev.Response)
	}
}

func (s *suite) codes(t *testing.T) {
	for _, test := range []struct {
		name  string
		codes []any
		err   error
		want  string // error_code, or "" for an error that passes
	}{
		{"int", []any{429}, llmtest.ErrQuota, "429"},
		{"string", []any{"429"}, llmtest.ErrQuota, "429"},
		{"name", []any{"RESOURCE_EXHAUSTED"}, llmtest.ErrQuota, "RESOURCE_EXHAUSTED"},
		{"second of two", []any{"500", 429}, llmtest.ErrQuota, "429"},
		{"default 429", nil, llmtest.ErrQuota, "429"},
		{"default 504", nil, llmtest.ErrDeadline, "504"},
		{"not in the default", nil, llmtest.ErrUnavailable, ""},
		{"none", []any{}, llmtest.ErrQuota, ""},
		{"by pointer, wrapped", nil, fmt.Errorf("call: %w", &llmtest.ErrQuota), "429"},
		{"status without code", nil, genai.APIError{Status: "RESOURCE_EXHAUSTED"}, "429"},
		// B117
		{"kind with a status", []any{"overloaded"}, llmtest.ErrUnavailable, "503"},
		{"kind as a constant", []any{failure.KindServer}, llmtest.ErrInternal, "500"},
		{"kind in capitals", []any{"Timeout"}, llmtest.ErrDeadline, "504"},
		{"another kind", []any{"overloaded", "network"}, llmtest.ErrInternal, ""},
		{"connection refused", []any{"network"}, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "network"},
		{"our own timeout", []any{"timeout"}, &failure.TimeoutError{Phase: "idle"}, "timeout"},
		{"a client's timeout", []any{"timeout"}, fmt.Errorf("call: %w", context.DeadlineExceeded), "timeout"},
		{"any: a status", []any{"any"}, llmtest.ErrInternal, "500"},
		{"any: no status", []any{"any"}, fmt.Errorf("read: %w", syscall.ECONNRESET), "network"},
		{"any: what would fail", []any{"any"}, genai.APIError{Code: 401, Status: "UNAUTHENTICATED"}, ""},
		{"code of a provider", []any{"SLOW_DAY"}, genai.APIError{Code: 500, Status: "SLOW_DAY"}, "SLOW_DAY"},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := s.app(t, turn.Config{FallbackModel: "pro", ErrorCodes: test.codes}, llmtest.NewModel("flash", llmtest.Fail(test.err)))
			events, err := app.Run(t.Context(), "s", "hi")
			if test.want == "" {
				if err == nil {
					t.Error("the error did not pass through")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if md, _ := final(t, events).Metadata(); md.ErrorCode != test.want {
				t.Errorf("error_code %q, want %q", md.ErrorCode, test.want)
			}
		})
	}
	t.Run("in a response", func(t *testing.T) {
		app := s.app(t, turn.Config{FallbackModel: "pro", ErrorCodes: []any{429, "malformed_function_call"}},
			llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }),
				llmtest.Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "MALFORMED_FUNCTION_CALL"} })))
		for _, want := range []string{"429", "MALFORMED_FUNCTION_CALL"} {
			ev := final(t, mustRun(t, app, "s", "hi"))
			if md, _ := ev.Metadata(); md.ErrorCode != want || ev.Response.ErrorCode != want {
				t.Errorf("error_code %q on %q, want %q", md.ErrorCode, ev.Response.ErrorCode, want)
			}
		}
	})
}

// B117: a kind also names an answer that is none; what a model says after its tools
// may be empty (B112).
func (s *suite) emptyAnswers(t *testing.T) {
	empty := llmtest.Respond(func() *model.LLMResponse { return &model.LLMResponse{FinishReason: genai.FinishReasonStop} })
	for name, test := range map[string]struct {
		codes []any
		steps []llmtest.Step
		want  string // the answer; "" for none
	}{
		"configured":                 {[]any{"empty"}, []llmtest.Step{empty}, "saved"},
		"any":                        {[]any{"any"}, []llmtest.Step{empty}, "saved"},
		"not configured":             {nil, []llmtest.Step{empty}, ""},
		"configured, after its tool": {[]any{"any"}, []llmtest.Step{llmtest.Call("c1", "lookup", "", nil), empty}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			backup := llmtest.NewModel("pro", llmtest.Text("saved"))
			for loop, config := range map[string]turn.Config{
				"Recover":    {Recover: backup, ErrorCodes: test.codes},
				"outer loop": {FallbackModel: "pro", ErrorCodes: test.codes},
			} {
				root := llmtest.NewModel("flash", append(test.steps, llmtest.Text("saved"))...)
				if loop == "Recover" || test.want == "" {
					root = llmtest.NewModel("flash", test.steps...)
				}
				app := s.NewApp(t, Setup{Config: config, Stream: s.stream, Agent: Agent{Name: "agent", Model: root, Lookup: func() {}}})
				events, err := app.Retry(t.Context(), "s", "hi")
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				for _, ev := range events {
					if !ev.Response.Partial {
						got += ev.Text()
					}
				}
				if got != test.want {
					t.Errorf("%s: answer %q, want %q", loop, got, test.want)
				}
			}
		})
	}
}

// B114: metadata names the model that answered, not the one that a router inside was
// asked for; of a router that failed, every target is told.
func (s *suite) routerInside(t *testing.T) {
	t.Run("it answers", func(t *testing.T) {
		m := llmtest.NewModel("own", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			if req.Model == "own" {
				yield(nil, llmtest.ErrQuota)
				return
			}
			yield(&model.LLMResponse{
				Content: genai.NewContentFromText("inner", genai.RoleModel), CustomMetadata: map[string]any{call.KeyModelName: "target"},
			}, nil)
		})
		events, err := s.app(t, turn.Config{FallbackModel: "pro"}, m).Retry(t.Context(), "s", "hi")
		if err != nil {
			t.Fatal(err)
		}
		md, _ := final(t, events).Metadata()
		if diff := cmp.Diff([]string{"own failed", "target ok"}, outcomes(md)); diff != "" || md.FallbackModel != "target" || md.ModelName != "target" {
			t.Errorf("metadata %+v; attempts (-want +got):\n%s", md, diff)
		}
	})
	t.Run("it fails", func(t *testing.T) {
		group := router.MustFallback(router.Config{}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrUnavailable)))
		app := s.app(t, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Text("saved"))}, group)
		md, _ := final(t, mustRun(t, app, "s", "hi")).Metadata()
		if diff := cmp.Diff([]string{"flash failed", "lite failed", "pro ok"}, outcomes(md)); diff != "" || md.Attempt != 2 {
			t.Errorf("attempt %d, want 2; attempts (-want +got):\n%s", md.Attempt, diff)
		}
	})
}

func (s *suite) existingMetadata(t *testing.T) {
	for _, existing := range []map[string]any{
		nil, {}, {"trace": "t1"},
		{"trace": "t1", "error_code": 5, "model_name": true, "fallback_attempt": "many", "fallback_attempts": "none"},
		{"trace": "t1", "fallback_attempts": []any{map[string]any{"who": "another plugin"}, 7}},
		{"fallback_triggered": true, "fallback_model": "other", "fallback_attempt": -7},
	} {
		m := llmtest.NewModel("flash", llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{ErrorCode: "429", CustomMetadata: existing}
		}))
		app := s.app(t, turn.Config{FallbackModel: "pro"}, m)
		ev := final(t, mustRun(t, app, "s", "hi"))
		if md, _ := ev.Metadata(); !md.Triggered || md.Attempt != 1 || len(md.Attempts) != 1 || md.Attempts[0].Model != "flash" {
			t.Errorf("metadata %v, want it annotated", ev.Response.CustomMetadata)
		}
		var exhausted *turn.ExhaustedError
		if _, err := app.Retry(t.Context(), "s", "hi"); !errors.As(err, &exhausted) {
			t.Errorf("metadata %v: error %v, want an ExhaustedError", existing, err)
		}
		if ev.Response.CustomMetadata["trace"] != existing["trace"] {
			t.Errorf("metadata %v lost what was there: %v", ev.Response.CustomMetadata, existing)
		}
	}
}

func (s *suite) noFallback(t *testing.T) {
	for name, config := range map[string]turn.Config{
		"nothing configured":               {},
		"only a root":                      {RootModel: "flash"},
		"the agent's own model comes last": {FallbackModel: "flash"},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := s.app(t, config, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota))).Run(t.Context(), "s", "hi")
			var api genai.APIError
			if !errors.As(err, &api) || len(events) > 0 {
				t.Errorf("error %v and %d events, want the model's error alone", err, len(events))
			}
		})
	}
}

func (s *suite) database(t *testing.T) {
	setup := Setup{
		Config: turn.Config{FallbackModel: "pro"}, Stream: s.stream, Database: true,
		Agent: Agent{Name: "agent", Model: llmtest.NewModel("own", llmtest.ByModel(map[string]llmtest.Step{"own": llmtest.Fail(llmtest.ErrQuota), "pro": llmtest.Text("from pro")}))},
	}
	app := s.NewApp(t, setup)
	events, err := app.Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	live, _ := final(t, events).Metadata()
	stored, ok := final(t, app.Stored(t, "s")).Metadata()
	for i := range live.Attempts { // stored in milliseconds
		live.Attempts[i].Duration = live.Attempts[i].Duration.Truncate(time.Millisecond)
	}
	if diff := cmp.Diff(live, stored); diff != "" || !ok {
		t.Errorf("stored metadata %v (-live +stored):\n%s", ok, diff)
	}
	if !stored.Triggered || stored.Attempt != 1 || stored.FallbackModel != "pro" {
		t.Errorf("stored metadata %+v, want a first fallback to pro", stored)
	}
}
