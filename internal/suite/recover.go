package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

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
	if err == nil || !strings.Contains(err.Error(), `model "pro" panicked`) {
		t.Errorf("error %v, want one that tells of the panic", err)
	}
}

// A model that goes on after its error gets one answer in its place.
func (s *suite) recoversOnce(t *testing.T) {
	root := NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		for range 2 {
			if !yield(nil, ErrQuota) {
				return
			}
		}
	})
	backup := NewModel("pro", Text("saved"))
	events, err := s.app(t, turn.Config{Recover: backup}, root).Run(t.Context(), "s", "hi")
	if len(events) != 1 || len(backup.Requests()) != 1 || err == nil {
		t.Errorf("%d events, %d calls of the backup, error %v, want one answer, and the second error as it is", len(events), len(backup.Requests()), err)
	}
}
