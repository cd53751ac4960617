package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// Run proves every behaviour of the plugin through h.
func Run(t *testing.T, h Harness) {
	for _, stream := range []bool{false, true} {
		name := map[bool]string{false: "unary", true: "SSE"}[stream]
		s := &suite{Harness: h, stream: stream}
		t.Run(name, func(t *testing.T) {
			t.Run("B01 healthy model leaves no trace", s.healthy)
			t.Run("B02 configured error writes five keys", s.fiveKeys)
			t.Run("B02 other errors pass untouched", s.otherErrors)
			t.Run("B03 codes", s.codes)
			t.Run("B04 each turn starts at the root", s.rootEachTurn)
			t.Run("B05 state is reset", s.reset)
			t.Run("B06 an outer loop's choice stands", s.outerChoice)
			t.Run("B07 agents keep their own models", s.ownModels)
			t.Run("B08 existing metadata is kept", s.existingMetadata)
			t.Run("B10 concurrent sessions do not mix", s.sessions)
			t.Run("B10 parallel agents do not mix", s.parallelAgents)
			t.Run("B11 without a fallback nothing is annotated", s.noFallback)
			t.Run("B12 metadata survives a database", s.database)
			t.Run("B13 Recover answers in the same turn", s.recovers)
			t.Run("B13 Recover inside a tool loop", s.recoversInToolLoop)
			t.Run("B13 Recover fails too", s.recoverFails)
			t.Run("B14 the outer loop", s.outerLoop)
			t.Run("B14 the outer loop in a tool loop", s.outerLoopInToolLoop)
			t.Run("B14 the outer loop stops", s.outerLoopStops)
			t.Run("B16 other plugins see every response", s.otherPlugins)
			t.Run("B39 the caller's cancellation", s.cancellation)
			t.Run("B80 a panic in Recover is an error", s.recoverPanics)
		})
	}
	t.Run("B15 bad config names its fields", func(t *testing.T) { badConfig(t, h) })
}

type suite struct {
	Harness
	stream bool
}

func (s *suite) app(t *testing.T, config turn.Config, models ...model.LLM) App {
	t.Helper()
	setup := Setup{Config: config, Stream: s.stream}
	for i, m := range models {
		setup.Agent.Sub = append(setup.Agent.Sub, Agent{Name: fmt.Sprintf("agent%d", i), Model: m})
	}
	if len(models) == 1 {
		setup.Agent = setup.Agent.Sub[0]
	} else {
		setup.Agent.Name = "all"
	}
	return s.NewApp(t, setup)
}

func mustRun(t *testing.T, app App, session, text string) []Event {
	t.Helper()
	events, err := app.Run(t.Context(), session, text)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return events
}

func (s *suite) healthy(t *testing.T) {
	root, backup := NewModel("flash", Text("hello there")), NewModel("pro", Text("backup"))
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
	app := s.app(t, turn.Config{FallbackModel: "pro"}, NewModel("flash", Fail(ErrQuota)))
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
	backup := NewModel("pro", Text("backup"))
	app := s.app(t, turn.Config{Recover: backup}, NewModel("flash", Fail(ErrInternal)))
	events, err := app.Run(t.Context(), "s", "hi")
	var api genai.APIError
	if !errors.As(err, &api) || api.Code != 500 {
		t.Errorf("error %v, want the model's own", err)
	}
	if len(events) > 0 || len(backup.Requests()) > 0 {
		t.Errorf("%d events and %d calls of the backup, want none", len(events), len(backup.Requests()))
	}

	blocked := &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}
	app = s.app(t, turn.Config{FallbackModel: "pro"}, NewModel("flash", Respond(func() *model.LLMResponse { return blocked })))
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
		{"int", []any{429}, ErrQuota, "429"},
		{"string", []any{"429"}, ErrQuota, "429"},
		{"name", []any{"RESOURCE_EXHAUSTED"}, ErrQuota, "RESOURCE_EXHAUSTED"},
		{"second of two", []any{"500", 429}, ErrQuota, "429"},
		{"default 429", nil, ErrQuota, "429"},
		{"default 504", nil, ErrDeadline, "504"},
		{"not in the default", nil, ErrUnavailable, ""},
		{"none", []any{}, ErrQuota, ""},
		{"by pointer, wrapped", nil, fmt.Errorf("call: %w", &ErrQuota), "429"},
		{"status without code", nil, genai.APIError{Status: "RESOURCE_EXHAUSTED"}, "429"},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := s.app(t, turn.Config{FallbackModel: "pro", ErrorCodes: test.codes}, NewModel("flash", Fail(test.err)))
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
			NewModel("flash", Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }),
				Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "MALFORMED_FUNCTION_CALL"} })))
		for _, want := range []string{"429", "MALFORMED_FUNCTION_CALL"} {
			ev := final(t, mustRun(t, app, "s", "hi"))
			if md, _ := ev.Metadata(); md.ErrorCode != want || ev.Response.ErrorCode != want {
				t.Errorf("error_code %q on %q, want %q", md.ErrorCode, ev.Response.ErrorCode, want)
			}
		}
	})
}

func (s *suite) rootEachTurn(t *testing.T) {
	m := NewModel("own", ByModel(map[string]Step{"flash": Fail(ErrQuota), "pro": Text("from pro")}))
	app := s.app(t, turn.Config{RootModel: "flash", FallbackModel: "pro"}, m)
	for range 2 {
		events, err := app.Retry(t.Context(), "s", "hi")
		if err != nil {
			t.Fatal(err)
		}
		if got := final(t, events).Text(); got != "from pro" {
			t.Errorf("answer %q, want %q", got, "from pro")
		}
	}
	if diff := cmp.Diff([]string{"flash", "pro", "flash", "pro"}, m.Asked()); diff != "" {
		t.Errorf("models asked (-want +got):\n%s", diff)
	}
}

func (s *suite) reset(t *testing.T) {
	m := NewModel("flash", Fail(ErrQuota), Text("ok"), Fail(ErrQuota), Fail(ErrInternal), Fail(ErrQuota), Fail(context.Canceled), Fail(ErrQuota))
	app := s.app(t, turn.Config{FallbackModel: "pro"}, m)
	annotated := 0
	for i := range 7 {
		events, _ := app.Run(t.Context(), "s", "hi")
		for _, ev := range events {
			if md, ok := ev.Metadata(); ok {
				annotated++
				if md.Attempt != 1 || len(md.Attempts) != 1 {
					t.Errorf("turn %d: attempt %d of %d, want a first one", i, md.Attempt, len(md.Attempts))
				}
			}
		}
	}
	if annotated != 4 {
		t.Errorf("%d turns annotated, want the 4 that ran out of quota", annotated)
	}
}

func (s *suite) outerChoice(t *testing.T) {
	m := NewModel("own", ByModel(map[string]Step{"flash": Fail(ErrQuota), "pro": Fail(ErrDeadline), "max": Text("from max")}))
	app := s.app(t, turn.Config{RootModel: "flash", FallbackModel: "pro", FallbackModels: []string{"max"}}, m)
	ctx, text := t.Context(), "hi"
	for attempt := 1; attempt <= 2; attempt++ {
		events, err := app.Run(ctx, "s", text)
		if err != nil {
			t.Fatal(err)
		}
		ev := final(t, events)
		if md, _ := ev.Metadata(); md.Attempt != attempt || md.OriginalModel != "flash" {
			t.Errorf("attempt %d of a turn of %q, want %d of flash", md.Attempt, md.OriginalModel, attempt)
		}
		next, ok := app.Advance(ctx, ev)
		if !ok {
			t.Fatal("no model is left, want one")
		}
		ctx, text = next, ""
	}
	events, err := app.Run(ctx, "s", "")
	if err != nil {
		t.Fatal(err)
	}
	ev := final(t, events)
	md, _ := ev.Metadata()
	if ev.Text() != "from max" || md.FallbackModel != "max" || md.Attempt != 2 || md.ErrorCode != "504" || len(md.Attempts) != 3 {
		t.Errorf("answer %q with %+v, want the third attempt by max", ev.Text(), md)
	}
	if _, ok := app.Advance(ctx, ev); ok {
		t.Error("an answer asks for another model")
	}
	if diff := cmp.Diff([]string{"flash", "pro", "max"}, m.Asked()); diff != "" {
		t.Errorf("models asked (-want +got):\n%s", diff)
	}
}

func (s *suite) ownModels(t *testing.T) {
	a, b := NewModel("flash", Fail(ErrQuota)), NewModel("lite", Fail(ErrDeadline))
	app := s.app(t, turn.Config{FallbackModel: "pro"}, a, b)
	got := map[string]string{}
	for _, ev := range mustRun(t, app, "s", "hi") {
		if md, ok := ev.Metadata(); ok {
			got[ev.Author] = md.OriginalModel + " " + md.ErrorCode
		}
	}
	if diff := cmp.Diff(map[string]string{"agent0": "flash 429", "agent1": "lite 504"}, got); diff != "" {
		t.Errorf("original models (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"flash", "lite"}, append(a.Asked(), b.Asked()...)); diff != "" {
		t.Errorf("models asked (-want +got):\n%s", diff)
	}
}

func (s *suite) existingMetadata(t *testing.T) {
	for _, existing := range []map[string]any{nil, {}, {"trace": "t1"}} {
		m := NewModel("flash", Respond(func() *model.LLMResponse {
			return &model.LLMResponse{ErrorCode: "429", CustomMetadata: existing}
		}))
		ev := final(t, mustRun(t, s.app(t, turn.Config{FallbackModel: "pro"}, m), "s", "hi"))
		if md, _ := ev.Metadata(); !md.Triggered {
			t.Errorf("metadata %v, want it annotated", ev.Response.CustomMetadata)
		}
		if ev.Response.CustomMetadata["trace"] != existing["trace"] {
			t.Errorf("metadata %v lost what was there: %v", ev.Response.CustomMetadata, existing)
		}
	}
}

func (s *suite) sessions(t *testing.T) {
	m := NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		step := Text("fine")
		if text := req.Contents[len(req.Contents)-1].Parts[0].Text; strings.HasPrefix(text, "fail") {
			step = Fail(genai.APIError{Code: 429, Message: text})
		}
		step(ctx, req, stream, yield)
	})
	app := s.app(t, turn.Config{FallbackModel: "pro"}, m)
	mustRun(t, app, "first", "work") // ADK v2.2.0 writes an agent's default mode, unguarded, in its first run
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			word := map[bool]string{true: "fail", false: "work"}[i%2 == 0]
			for range 5 {
				events, err := app.Run(t.Context(), fmt.Sprint("s", i), fmt.Sprintf("%s %d.", word, i))
				if err != nil {
					t.Error(err)
					return
				}
				md, ok := final(t, events).Metadata()
				switch {
				case ok != (word == "fail"):
					t.Errorf("session %d: annotated %v", i, ok)
				case ok && (len(md.Attempts) != 1 || md.Attempts[0].Message != fmt.Sprintf("fail %d.", i)):
					t.Errorf("session %d: attempts %+v", i, md.Attempts)
				}
			}
		})
	}
	wg.Wait()
}

func (s *suite) parallelAgents(t *testing.T) {
	setup := Setup{Config: turn.Config{FallbackModel: "pro"}, Stream: s.stream, Agent: Agent{Name: "all", Parallel: true}}
	for i := range 8 {
		step := Text("fine")
		if i%2 == 0 {
			step = Fail(genai.APIError{Code: 429, Message: fmt.Sprint("message ", i)})
		}
		setup.Agent.Sub = append(setup.Agent.Sub, Agent{Name: fmt.Sprint("agent", i), Model: NewModel(fmt.Sprint("model", i), step)})
	}
	got := map[string]string{}
	for _, ev := range mustRun(t, s.NewApp(t, setup), "s", "hi") {
		if md, ok := ev.Metadata(); ok {
			got[ev.Author] = fmt.Sprint(md.OriginalModel, " ", md.Attempt, " ", len(md.Attempts), " ", md.Attempts[0].Message)
		}
	}
	want := map[string]string{}
	for _, i := range []int{0, 2, 4, 6} {
		want[fmt.Sprint("agent", i)] = fmt.Sprintf("model%d 1 1 message %d", i, i)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

func (s *suite) noFallback(t *testing.T) {
	for name, config := range map[string]turn.Config{
		"nothing configured":               {},
		"only a root":                      {RootModel: "flash"},
		"the agent's own model comes last": {FallbackModel: "flash"},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := s.app(t, config, NewModel("flash", Fail(ErrQuota))).Run(t.Context(), "s", "hi")
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
		Agent: Agent{Name: "agent", Model: NewModel("own", ByModel(map[string]Step{"own": Fail(ErrQuota), "pro": Text("from pro")}))},
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

func (s *suite) recovers(t *testing.T) {
	for name, first := range map[string]Step{
		"error":                     Fail(ErrQuota),
		"error after partial text":  Fail(ErrQuota, "half ", "an "),
		"response with a bad code":  Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }),
		"deadline of the provider":  Fail(ErrDeadline),
		"error, wrapped and joined": Fail(errors.Join(errors.New("x"), fmt.Errorf("y: %w", ErrQuota))),
	} {
		t.Run(name, func(t *testing.T) {
			root, backup := NewModel("flash", first, Text("root again")), NewModel("pro", Text("from the backup"))
			app := s.app(t, turn.Config{Recover: backup}, root)
			ev := final(t, mustRun(t, app, "s", "hi"))
			md, _ := ev.Metadata()
			if ev.Text() != "from the backup" || ev.Response.ErrorCode != "" {
				t.Errorf("answer %q with error %q, want the backup's", ev.Text(), ev.Response.ErrorCode)
			}
			if md.OriginalModel != "flash" || md.FallbackModel != "pro" || md.ModelName != "pro" || md.Attempt != 1 {
				t.Errorf("metadata %+v, want pro for flash", md)
			}
			var models []string
			for _, a := range md.Attempts {
				models = append(models, a.Model+" "+string(a.Outcome))
			}
			if diff := cmp.Diff([]string{"flash failed", "pro ok"}, models); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"pro"}, backup.Asked()); diff != "" {
				t.Errorf("the backup was asked as (-want +got):\n%s", diff)
			}
			if got := final(t, mustRun(t, app, "s", "again")).Text(); got != "root again" {
				t.Errorf("next turn %q, want the root's", got)
			}
			if n := len(app.Stored(t, "s")); n != 4 {
				t.Errorf("%d events stored, want two questions and two answers", n)
			}
		})
	}
}

func (s *suite) recoversInToolLoop(t *testing.T) {
	root := NewModel("gemini-3-flash", Call("c1", "lookup", "root signature", nil), Fail(ErrQuota), Text("root again"))
	backup := NewModel("gemini-3-pro", Call("c2", "lookup", "backup signature", nil), Text("unused"))
	looked := 0
	app := s.NewApp(t, Setup{
		Config: turn.Config{Recover: backup}, Stream: s.stream,
		Agent: Agent{Name: "agent", Model: root, Lookup: func() { looked++ }},
	})
	if got := final(t, mustRun(t, app, "s", "hi")).Text(); got != "root again" {
		t.Errorf("answer %q, want the root's third step", got)
	}
	if looked != 2 {
		t.Errorf("the tool ran %d times, want once for each call", looked)
	}
	// B63: each model sees its own signatures or the placeholder, and the session keeps the root's own only.
	if got := signatures(backup.Requests()[0].Contents); got != "skip_thought_signature_validator" {
		t.Errorf("the backup saw signatures %q", got)
	}
	if got := signatures(root.Requests()[2].Contents); got != "root signature,skip_thought_signature_validator" {
		t.Errorf("the root saw signatures %q", got)
	}
	var stored []string
	for _, ev := range app.Stored(t, "s") {
		if c := ev.Response.Content; c != nil && c.Parts[0].FunctionCall != nil {
			stored = append(stored, string(c.Parts[0].ThoughtSignature))
		}
	}
	if diff := cmp.Diff([]string{"root signature", ""}, stored); diff != "" {
		t.Errorf("stored signatures (-want +got):\n%s", diff)
	}
}

func signatures(contents []*genai.Content) string {
	var out []string
	for _, content := range contents {
		for _, part := range content.Parts {
			if part.FunctionCall != nil {
				out = append(out, string(part.ThoughtSignature))
			}
		}
	}
	return strings.Join(out, ",")
}

func (s *suite) recoverFails(t *testing.T) {
	t.Run("a router inside tells the whole story", func(t *testing.T) {
		backup := router.MustFallback(router.Config{}, NewModel("pro", Fail(ErrInternal)), NewModel("max", Text("from max")))
		md, _ := final(t, mustRun(t, s.app(t, turn.Config{Recover: backup}, NewModel("flash", Fail(ErrQuota))), "s", "hi")).Metadata()
		var models []string
		for _, a := range md.Attempts {
			models = append(models, a.Model+" "+string(a.Outcome))
		}
		if diff := cmp.Diff([]string{"flash failed", "pro failed", "max ok"}, models); diff != "" || md.FallbackModel != "max" {
			t.Errorf("fallback model %q; attempts (-want +got):\n%s", md.FallbackModel, diff)
		}
	})
	t.Run("no model is left", func(t *testing.T) {
		app := s.app(t, turn.Config{Recover: NewModel("pro", Fail(ErrInternal))}, NewModel("flash", Fail(ErrQuota)))
		_, err := app.Run(t.Context(), "s", "hi")
		var both *turn.RecoverError
		if !errors.As(err, &both) {
			t.Fatalf("error %v, want a RecoverError", err)
		}
		var first, second genai.APIError
		if !errors.As(both.Model, &first) || first.Code != 429 || !errors.As(both.Recover, &second) || second.Code != 500 {
			t.Errorf("errors %v and %v, want 429 and 500", both.Model, both.Recover)
		}
	})
	t.Run("the outer loop goes on", func(t *testing.T) {
		m := NewModel("flash", ByModel(map[string]Step{"flash": Fail(ErrQuota), "max": Text("from max")}))
		app := s.app(t, turn.Config{Recover: NewModel("pro", Respond(func() *model.LLMResponse { return nil })), FallbackModel: "max"}, m)
		events, err := app.Retry(t.Context(), "s", "hi")
		if err != nil {
			t.Fatal(err)
		}
		md, _ := final(t, events).Metadata()
		if got := final(t, events).Text(); got != "from max" || len(md.Attempts) != 3 || md.Attempts[1].Kind != "empty" {
			t.Errorf("answer %q after %+v, want flash, an empty pro, and max", got, md.Attempts)
		}
	})
	t.Run("a refusal is the answer", func(t *testing.T) {
		refusal := func() *model.LLMResponse {
			return &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}
		}
		app := s.app(t, turn.Config{Recover: NewModel("pro", Respond(refusal))}, NewModel("flash", Fail(ErrQuota)))
		if ev := final(t, mustRun(t, app, "s", "hi")); ev.Response.ErrorCode != "SAFETY" {
			t.Errorf("error code %q, want the provider's reason", ev.Response.ErrorCode)
		}
	})
}

func (s *suite) recoverPanics(t *testing.T) {
	boom := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("boom") }
	app := s.app(t, turn.Config{Recover: NewModel("pro", boom)}, NewModel("flash", Fail(ErrQuota)))
	_, err := app.Run(t.Context(), "s", "hi")
	if err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("error %v, want one that tells of the panic", err)
	}
}

func (s *suite) outerLoop(t *testing.T) {
	m := NewModel("own", ByModel(map[string]Step{"own": Fail(ErrQuota, "half ", "an "), "pro": Fail(ErrDeadline), "max": Text("from max")}))
	app := s.app(t, turn.Config{FallbackModel: "pro", FallbackModels: []string{"max"}}, m)
	events, err := app.Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	if got := final(t, events).Text(); got != "from max" {
		t.Errorf("answer %q, want %q", got, "from max")
	}
	finals, restarts := 0, 0
	for _, ev := range events {
		if !ev.Response.Partial {
			finals++
		}
		if ev.Response.CustomMetadata[call.KeyRestart] == true {
			restarts++
		}
	}
	if want := map[bool]int{true: 1}[s.stream]; finals != 1 || restarts != want {
		t.Errorf("%d final events and %d restarts, want 1 and %d", finals, restarts, want)
	}
	asked := 0
	for _, ev := range app.Stored(t, "s") {
		if ev.Author == "user" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the user's message stands %d times in the session, want once", asked)
	}
	if diff := cmp.Diff([]string{"own", "pro", "max"}, m.Asked()); diff != "" {
		t.Errorf("models asked (-want +got):\n%s", diff)
	}
}

func (s *suite) outerLoopInToolLoop(t *testing.T) {
	m := NewModel("own", Call("c1", "lookup", "own signature", nil), Fail(ErrQuota), Call("c2", "lookup", "other signature", nil), Text("done"))
	looked := 0
	app := s.NewApp(t, Setup{
		Config: turn.Config{FallbackModel: "gemini-3-pro"}, Stream: s.stream,
		Agent: Agent{Name: "agent", Model: m, Lookup: func() { looked++ }},
	})
	events, err := app.Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	if got := final(t, events).Text(); got != "done" || looked != 2 {
		t.Errorf("answer %q after %d uses of the tool, want %q after 2", got, looked, "done")
	}
	if diff := cmp.Diff([]string{"own", "own", "gemini-3-pro", "gemini-3-pro"}, m.Asked()); diff != "" {
		t.Errorf("models asked (-want +got):\n%s", diff)
	}
	if got := signatures(m.Requests()[2].Contents); got != "skip_thought_signature_validator" {
		t.Errorf("the fallback saw signatures %q", got)
	}
}

func (s *suite) outerLoopStops(t *testing.T) {
	t.Run("when no model is left", func(t *testing.T) {
		m := NewModel("own", Fail(ErrQuota))
		events, err := s.app(t, turn.Config{FallbackModel: "pro", FallbackModels: []string{"max"}}, m).Retry(t.Context(), "s", "hi")
		if err != nil {
			t.Fatal(err)
		}
		md, _ := final(t, events).Metadata()
		if md.FallbackModel != "" || md.Attempt != 3 || len(m.Requests()) != 3 {
			t.Errorf("metadata %+v after %d calls, want the third and last failure", md, len(m.Requests()))
		}
	})
	t.Run("at its bound", func(t *testing.T) {
		var chain []string
		for i := range 40 {
			chain = append(chain, fmt.Sprint("model", i))
		}
		m := NewModel("own", Fail(ErrQuota))
		events, err := s.app(t, turn.Config{FallbackModels: chain}, m).Retry(t.Context(), "s", "hi")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(m.Requests()); got != turn.MaxRuns {
			t.Errorf("%d calls, want %d", got, turn.MaxRuns)
		}
		if md, _ := final(t, events).Metadata(); md.Attempt != turn.MaxRuns {
			t.Errorf("last word is attempt %d, want %d", md.Attempt, turn.MaxRuns)
		}
	})
	t.Run("at an error that is not configured", func(t *testing.T) {
		m := NewModel("own", Fail(ErrQuota), Fail(ErrInternal))
		_, err := s.app(t, turn.Config{FallbackModel: "pro", FallbackModels: []string{"max"}}, m).Retry(t.Context(), "s", "hi")
		if err == nil || len(m.Requests()) != 2 {
			t.Errorf("error %v after %d calls, want one after 2", err, len(m.Requests()))
		}
	})
}

func (s *suite) otherPlugins(t *testing.T) {
	for name, test := range map[string]struct {
		config turn.Config
		step   Step
		want   string
	}{
		"healthy":          {turn.Config{FallbackModel: "pro"}, Text("fine"), " fine"},
		"annotated error":  {turn.Config{FallbackModel: "pro"}, Fail(ErrQuota), "429 "},
		"annotated code":   {turn.Config{FallbackModel: "pro"}, Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }), "429 "},
		"recovered error":  {turn.Config{Recover: NewModel("pro", Text("saved"))}, Fail(ErrQuota), " saved"},
		"recovered by ans": {turn.Config{Recover: NewModel("pro", Text("saved"))}, Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }), " saved"},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]string{}
			app := s.NewApp(t, Setup{
				Config: test.config, Stream: s.stream, Agent: Agent{Name: "agent", Model: NewModel("flash", test.step)},
				Observe: func(observer string, resp *model.LLMResponse) {
					if !resp.Partial {
						seen[observer] += resp.ErrorCode + " " + Event{Response: resp}.Text()
					}
				},
			})
			mustRun(t, app, "s", "hi")
			if diff := cmp.Diff(map[string]string{"plugin": test.want, "agent": test.want}, seen); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
		})
	}
}

func (s *suite) cancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	backup := NewModel("pro", Text("backup"))
	root := NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		cancel()
		yield(nil, ErrQuota)
	})
	events, err := s.app(t, turn.Config{Recover: backup, FallbackModel: "max"}, root).Retry(ctx, "s", "hi")
	if err == nil || len(backup.Requests()) > 0 || len(root.Requests()) != 1 {
		t.Errorf("error %v, %d events, %d calls of the backup, want an error and nothing else", err, len(events), len(backup.Requests()))
	}
}

func badConfig(t *testing.T, h Harness) {
	var none *Model
	for field, config := range map[string]turn.Config{
		"RootModel":         {RootModel: " flash"},
		"FallbackModel":     {FallbackModel: " "},
		"FallbackModels[1]": {FallbackModels: []string{"pro", ""}},
		"FallbackModels[0]": {FallbackModel: "pro", FallbackModels: []string{"pro"}},
		"FallbackModel ":    {RootModel: "pro", FallbackModel: "pro"},
		"ErrorCodes[0]":     {ErrorCodes: []any{-1}},
		"ErrorCodes[1]":     {ErrorCodes: []any{429, ""}},
		"ErrorCodes[2]":     {ErrorCodes: []any{429, "x", 4.29}},
		"Recover":           {Recover: none},
		"Recover ":          {Recover: NewModel("", Text("x"))},
		"MaxTurns":          {MaxTurns: -1},
		"PruneTo":           {PruneTo: -1},
		"PruneTo ":          {MaxTurns: 10, PruneTo: 11},
	} {
		field = strings.TrimSpace(field)
		err := h.NewPlugin(config)
		if err == nil || !strings.Contains(err.Error(), "Config."+field+":") || !strings.Contains(err.Error(), "allowed:") {
			t.Errorf("error %v, want one that names Config.%s and what is allowed", err, field)
		}
	}
	err := h.NewPlugin(turn.Config{RootModel: " ", ErrorCodes: []any{nil}, Recover: none, MaxTurns: -1, PruneTo: -1})
	for _, field := range []string{"RootModel", "ErrorCodes[0]", "Recover", "MaxTurns", "PruneTo"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+field+":") {
			t.Errorf("error %v, want one that also names Config.%s", err, field)
		}
	}
	if err := h.NewPlugin(turn.Config{}); err != nil {
		t.Errorf("the zero Config is refused: %v", err)
	}
}
