package plugintest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func (s *suite) recovers(t *testing.T) {
	for name, first := range map[string]llmtest.Step{
		"error":                     llmtest.Fail(llmtest.ErrQuota),
		"error after partial text":  llmtest.Fail(llmtest.ErrQuota, "half ", "an "),
		"response with a bad code":  llmtest.Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "429"} }),
		"deadline of the provider":  llmtest.Fail(llmtest.ErrDeadline),
		"error, wrapped and joined": llmtest.Fail(errors.Join(errors.New("x"), fmt.Errorf("y: %w", llmtest.ErrQuota))),
	} {
		t.Run(name, func(t *testing.T) {
			root, backup := llmtest.NewModel("flash", first, llmtest.Text("root again")), llmtest.NewModel("pro", llmtest.Text("from the backup"))
			app := s.app(t, turn.Config{Recover: backup}, root)
			ev := final(t, mustRun(t, app, "s", "hi"))
			md, _ := ev.Metadata()
			if ev.Text() != "from the backup" || ev.Response.ErrorCode != "" {
				t.Errorf("answer %q with error %q, want the backup's", ev.Text(), ev.Response.ErrorCode)
			}
			if md.OriginalModel != "flash" || md.FallbackModel != "pro" || md.ModelName != "pro" || md.Attempt != 1 {
				t.Errorf("metadata %+v, want pro for flash", md)
			}
			if diff := cmp.Diff([]string{"flash failed", "pro ok"}, outcomes(md)); diff != "" {
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

// B113, B116: once Recover has answered it answers the rest of the turn, and the
// metadata keeps what made the turn leave its root.
func (s *suite) recoversInToolLoop(t *testing.T) {
	root := llmtest.NewModel("gemini-3-flash", llmtest.Call("c1", "lookup", "root signature", nil), llmtest.Fail(llmtest.ErrQuota), llmtest.Text("root again"))
	backup := llmtest.NewModel("gemini-3-pro", llmtest.Call("c2", "lookup", "backup signature", nil), llmtest.Text("done"))
	looked := 0
	app := s.NewApp(t, Setup{
		Config: turn.Config{Recover: backup}, Stream: s.stream,
		Agent: Agent{Name: "agent", Model: root, Lookup: func() { looked++ }},
	})
	events := mustRun(t, app, "s", "hi")
	if got := final(t, events).Text(); got != "done" || len(root.Requests()) != 2 {
		t.Errorf("answer %q after %d calls of the root, want the backup's after 2", got, len(root.Requests()))
	}
	if looked != 2 {
		t.Errorf("the tool ran %d times, want once for each call", looked)
	}
	for _, ev := range events {
		md, ok := ev.Metadata()
		if !ok {
			continue
		}
		if md.ErrorCode != "429" || !strings.Contains(md.Reason, "limit") || md.Attempt != 1 || md.OriginalModel != "gemini-3-flash" || md.FallbackModel != "gemini-3-pro" {
			t.Errorf("metadata %+v, want the turn's cause", md)
		}
		if diff := cmp.Diff([]string{"gemini-3-flash failed", "gemini-3-pro ok"}, outcomes(md)); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	}
	if got := final(t, mustRun(t, app, "s", "again")).Text(); got != "root again" {
		t.Errorf("next turn %q, want the root's", got)
	}
	// B63: each model sees its own signatures or the placeholder, and the session keeps the root's own only.
	if got := signatures(backup.Requests()[0].Contents); got != "skip_thought_signature_validator" {
		t.Errorf("the backup saw signatures %q", got)
	}
	if got := signatures(root.Requests()[2].Contents); !strings.HasPrefix(got, "root signature,") || strings.Contains(got, "backup") {
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

// outcomes lists the attempts of md.
func outcomes(md call.Metadata) (out []string) {
	for _, a := range md.Attempts {
		out = append(out, a.Model+" "+string(a.Outcome))
	}
	return out
}

// B116: if Recover, which has answered in the turn, fails, the root is asked again,
// once.
func (s *suite) recoverFailsLater(t *testing.T) {
	t.Run("the root answers", func(t *testing.T) {
		root := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("root again"))
		backup := llmtest.NewModel("pro", llmtest.Call("c1", "lookup", "", nil), llmtest.Fail(llmtest.ErrInternal), llmtest.Text("unused"))
		app := s.NewApp(t, Setup{
			Config: turn.Config{Recover: backup}, Stream: s.stream, Agent: Agent{Name: "agent", Model: root, Lookup: func() {}},
		})
		ev := final(t, mustRun(t, app, "s", "hi"))
		md, _ := ev.Metadata()
		if ev.Text() != "root again" || md.FallbackModel != "flash" || md.Attempt != 2 {
			t.Errorf("answer %q with %+v, want the root's", ev.Text(), md)
		}
		if diff := cmp.Diff([]string{"flash failed", "pro failed", "flash ok"}, outcomes(md)); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
	t.Run("the root fails too", func(t *testing.T) {
		root, backup := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("pro", llmtest.Call("c1", "lookup", "", nil), llmtest.Fail(llmtest.ErrInternal))
		app := s.NewApp(t, Setup{
			Config: turn.Config{Recover: backup}, Stream: s.stream, Agent: Agent{Name: "agent", Model: root, Lookup: func() {}},
		})
		_, err := app.Run(t.Context(), "s", "hi")
		var both *turn.RecoverError
		if !errors.As(err, &both) || len(root.Requests()) != 2 || len(backup.Requests()) != 2 {
			t.Errorf("error %v after %d calls of the root and %d of Recover, want both errors after 2 each", err, len(root.Requests()), len(backup.Requests()))
		}
	})
}

// A model may yield one response again and again: it is never written to.
func (s *suite) sharedResponse(t *testing.T) {
	fine := genai.NewContentFromText("fine", genai.RoleModel)
	fine.Parts[0].ThoughtSignature = []byte("signature")
	for name, test := range map[string]struct {
		shared model.LLMResponse
		config turn.Config
	}{
		"annotated": {model.LLMResponse{ErrorCode: "429", CustomMetadata: map[string]any{"own": true}}, turn.Config{FallbackModel: "pro"}},
		"recovered": {model.LLMResponse{ErrorCode: "429"}, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Call("c1", "lookup", "", nil), llmtest.Text("saved"))}},
		"chosen":    {model.LLMResponse{Content: fine}, turn.Config{FallbackModel: "pro"}},
		"healthy":   {model.LLMResponse{Content: fine}, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Text("unused"))}},
	} {
		t.Run(name, func(t *testing.T) {
			shared := test.shared
			step := llmtest.Respond(func() *model.LLMResponse { return &shared })
			if name == "chosen" {
				step = llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "pro": step})
			}
			app := s.NewApp(t, Setup{
				Config: test.config, Stream: s.stream, Agent: Agent{Name: "agent", Model: llmtest.NewModel("flash", step), Lookup: func() {}},
			})
			warmUp(t, app)
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					_, err := app.Retry(t.Context(), fmt.Sprint("s", i), "hi")
					var exhausted *turn.ExhaustedError
					if err != nil && !errors.As(err, &exhausted) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if diff := cmp.Diff(test.shared, shared); diff != "" {
				t.Errorf("the model's own response was changed (-want +got):\n%s", diff)
			}
		})
	}
}

// What comes after the answer is passed on as ADK would: a call has one answer.
func (s *suite) errorAfterTheAnswer(t *testing.T) {
	root := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if yield(&model.LLMResponse{Content: genai.NewContentFromText("whole", genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil) {
			yield(nil, llmtest.ErrQuota)
		}
	})
	backup := llmtest.NewModel("pro", llmtest.Text("second answer"))
	events, err := s.app(t, turn.Config{Recover: backup, FallbackModel: "max"}, root).Retry(t.Context(), "s", "hi")
	var api genai.APIError
	if !errors.As(err, &api) || len(events) != 1 || events[0].Text() != "whole" || len(backup.Requests()) > 0 {
		t.Errorf("%d events, %d calls of the backup, error %v; want one answer, and the model's error", len(events), len(backup.Requests()), err)
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
		backup := router.MustFallback(router.Config{}, llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrInternal)), llmtest.NewModel("max", llmtest.Text("from max")))
		md, _ := final(t, mustRun(t, s.app(t, turn.Config{Recover: backup}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota))), "s", "hi")).Metadata()
		if diff := cmp.Diff([]string{"flash failed", "pro failed", "max ok"}, outcomes(md)); diff != "" || md.FallbackModel != "max" || md.Attempt != 2 {
			t.Errorf("fallback model %q; attempts (-want +got):\n%s", md.FallbackModel, diff)
		}
	})
	t.Run("a router with many targets", s.recoverDropsAttempts)
	t.Run("no model is left", func(t *testing.T) {
		app := s.app(t, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Fail(llmtest.ErrInternal))}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)))
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
		m := llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "max": llmtest.Text("from max")}))
		app := s.app(t, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Respond(func() *model.LLMResponse { return nil })), FallbackModel: "max"}, m)
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
		app := s.app(t, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Respond(refusal))}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)))
		if ev := final(t, mustRun(t, app, "s", "hi")); ev.Response.ErrorCode != "SAFETY" {
			t.Errorf("error code %q, want the provider's reason", ev.Response.ErrorCode)
		}
		root := llmtest.NewModel("flash", llmtest.Respond(refusal))
		app = s.app(t, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Respond(refusal)), ErrorCodes: []any{"SAFETY"}}, root)
		events, err := app.Retry(t.Context(), "s", "hi")
		if ev := final(t, events); err != nil || ev.Response.ErrorCode != "SAFETY" || len(root.Requests()) != 1 {
			md, _ := ev.Metadata()
			t.Errorf("error %v, %d calls of the root, metadata %+v; want the refusal of Recover, which asks for no other model", err, len(root.Requests()), md)
		}
	})
}

// Of 20 targets that failed, the record has the first and the latest attempts, and
// says how many it has not.
func (s *suite) recoverDropsAttempts(t *testing.T) {
	for name, last := range map[string]llmtest.Step{"it answers": llmtest.Text("saved"), "it fails": llmtest.Fail(llmtest.ErrInternal)} {
		t.Run(name, func(t *testing.T) {
			var targets []model.LLM
			for i := range 20 {
				targets = append(targets, llmtest.NewModel(fmt.Sprint("target", i), llmtest.Fail(llmtest.ErrInternal)))
			}
			backup := router.MustFallback(router.Config{}, append(targets, llmtest.NewModel("last", last))...)
			app := s.app(t, turn.Config{Recover: backup, FallbackModel: "max"}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)))
			md, _ := final(t, mustRun(t, app, "s", "hi")).Metadata()
			// flash, 20 targets and the last
			if len(md.Attempts)+md.AttemptsDropped != 22 || md.AttemptsDropped == 0 || md.Attempts[0].Model != "flash" || md.Attempts[len(md.Attempts)-1].Model != "last" {
				t.Errorf("%d attempts and %d dropped, want 22 in all: %v", len(md.Attempts), md.AttemptsDropped, outcomes(md))
			}
		})
	}
}

func (s *suite) recoverPanics(t *testing.T) {
	boom := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("boom") }
	app := s.app(t, turn.Config{Recover: llmtest.NewModel("pro", boom)}, llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota)))
	_, err := app.Run(t.Context(), "s", "hi")
	if err == nil || !strings.Contains(err.Error(), `model "pro" panicked`) {
		t.Errorf("error %v, want one that tells of the panic", err)
	}
}

// A model that goes on after its error gets one answer in its place.
func (s *suite) recoversOnce(t *testing.T) {
	root := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		for range 2 {
			if !yield(nil, llmtest.ErrQuota) {
				return
			}
		}
	})
	backup := llmtest.NewModel("pro", llmtest.Text("saved"))
	events, err := s.app(t, turn.Config{Recover: backup}, root).Run(t.Context(), "s", "hi")
	if len(events) != 1 || len(backup.Requests()) != 1 || err == nil {
		t.Errorf("%d events, %d calls of the backup, error %v, want one answer, and the second error as it is", len(events), len(backup.Requests()), err)
	}
}
