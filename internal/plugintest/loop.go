package plugintest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

func (s *suite) outerLoop(t *testing.T) {
	m := llmtest.NewModel("own", llmtest.ByModel(map[string]llmtest.Step{"own": llmtest.Fail(llmtest.ErrQuota, "half ", "an "), "pro": llmtest.Fail(llmtest.ErrDeadline), "max": llmtest.Text("from max")}))
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
	m := llmtest.NewModel("own", llmtest.Call("c1", "lookup", "own signature", nil), llmtest.Fail(llmtest.ErrQuota), llmtest.Call("c2", "lookup", "other signature", nil), llmtest.Text("done"))
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
	// B113: the later calls of the turn keep its cause.
	for _, ev := range events {
		if md, ok := ev.Metadata(); ok && (md.ErrorCode != "429" || md.Reason == "" || md.Attempt != 1) {
			t.Errorf("metadata %+v, want the turn's cause", md)
		}
	}
	for _, ev := range app.Stored(t, "s") {
		if c := ev.Response.Content; c != nil && c.Parts[0].FunctionCall != nil && string(c.Parts[0].ThoughtSignature) == "other signature" {
			t.Error("the session keeps the signature of a model that is not the agent's own")
		}
	}
	if got := signatures(m.Requests()[2].Contents); got != "skip_thought_signature_validator" {
		t.Errorf("the fallback saw signatures %q", got)
	}
}

func (s *suite) outerLoopStops(t *testing.T) {
	t.Run("when no model is left", func(t *testing.T) {
		m := llmtest.NewModel("own", llmtest.Fail(llmtest.ErrQuota))
		events, err := s.app(t, turn.Config{FallbackModel: "pro", FallbackModels: []string{"max"}}, m).Retry(t.Context(), "s", "hi")
		md, _ := final(t, events).Metadata()
		if md.FallbackModel != "" || md.Attempt != 3 || len(m.Requests()) != 3 {
			t.Errorf("metadata %+v after %d calls, want the third and last failure", md, len(m.Requests()))
		}
		var exhausted *turn.ExhaustedError
		if !errors.As(err, &exhausted) || exhausted.Code != "429" || exhausted.Metadata.Attempt != 3 || exhausted.Agent != "agent0" {
			t.Fatalf("error %v, want one that tells the last failure", err)
		}
		if v := failure.Classify(fmt.Errorf("turn: %w", err)); v.HTTPStatus != 429 || v.Action == failure.Fail {
			t.Errorf("the error is judged as %+v, want as a quota", v)
		}
	})
	t.Run("at its bound", func(t *testing.T) {
		var chain []string
		for i := range 40 {
			chain = append(chain, fmt.Sprint("model", i))
		}
		m := llmtest.NewModel("own", llmtest.Fail(llmtest.ErrQuota))
		events, err := s.app(t, turn.Config{FallbackModels: chain}, m).Retry(t.Context(), "s", "hi")
		var exhausted *turn.ExhaustedError
		if !errors.As(err, &exhausted) {
			t.Errorf("error %v, want one that says so", err)
		}
		if got := len(m.Requests()); got != turn.MaxRuns {
			t.Errorf("%d calls, want %d", got, turn.MaxRuns)
		}
		if md, _ := final(t, events).Metadata(); md.Attempt != turn.MaxRuns {
			t.Errorf("last word is attempt %d, want %d", md.Attempt, turn.MaxRuns)
		}
	})
	t.Run("at an error that is not configured", func(t *testing.T) {
		m := llmtest.NewModel("own", llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrInternal))
		_, err := s.app(t, turn.Config{FallbackModel: "pro", FallbackModels: []string{"max"}}, m).Retry(t.Context(), "s", "hi")
		if err == nil || len(m.Requests()) != 2 {
			t.Errorf("error %v after %d calls, want one after 2", err, len(m.Requests()))
		}
	})
}

// An agent behind the one that failed does not run in a run that is repeated.
func (s *suite) outerLoopInASequence(t *testing.T) {
	a := llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "pro": llmtest.Text("a")}))
	b := llmtest.NewModel("flash", llmtest.Text("b"))
	events, err := s.app(t, turn.Config{FallbackModel: "pro"}, a, b).Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	for _, ev := range events {
		if !ev.Response.Partial {
			answers = append(answers, ev.Text())
		}
	}
	if diff := cmp.Diff([]string{"a", "b"}, answers); diff != "" || len(b.Requests()) != 1 {
		t.Errorf("%d calls of b, want 1; answers (-want +got):\n%s", len(b.Requests()), diff)
	}
}

func (s *suite) outerLoopIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota))
	app := s.NewApp(t, Setup{
		Config: turn.Config{FallbackModel: "pro"}, Stream: s.stream, Agent: Agent{Name: "agent", Model: m},
		Observe: func(string, *model.LLMResponse) { cancel() },
	})
	_, err := app.Retry(ctx, "s", "hi")
	if !errors.Is(err, context.Canceled) || len(m.Requests()) != 1 {
		t.Errorf("error %v after %d calls, want the cancellation after one", err, len(m.Requests()))
	}
}
