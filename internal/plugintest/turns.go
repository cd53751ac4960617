package plugintest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
)

func (s *suite) rootEachTurn(t *testing.T) {
	m := llmtest.NewModel("own", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "pro": llmtest.Text("from pro")}))
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
	m := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrQuota), llmtest.Text("ok"), llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrInternal), llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(context.Canceled), llmtest.Fail(llmtest.ErrQuota))
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
	m := llmtest.NewModel("own", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "pro": llmtest.Fail(llmtest.ErrDeadline), "max": llmtest.Text("from max")}))
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
	want := map[string]string{}
	var models []model.LLM
	for i, err := range []genai.APIError{llmtest.ErrQuota, llmtest.ErrDeadline, llmtest.ErrQuota} {
		name := fmt.Sprint("model", i)
		models = append(models, llmtest.NewModel(name, llmtest.Fail(err)))
		want[fmt.Sprint("agent", i)] = fmt.Sprintf("%s %d 1", name, err.Code)
	}
	got := map[string]string{}
	for _, ev := range mustRun(t, s.app(t, turn.Config{FallbackModel: "pro"}, models...), "s", "hi") {
		if md, ok := ev.Metadata(); ok {
			got[ev.Author] = fmt.Sprint(md.OriginalModel, " ", md.ErrorCode, " ", md.Attempt)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("original models (-want +got):\n%s", diff)
	}
	for i, m := range models {
		if diff := cmp.Diff([]string{fmt.Sprint("model", i)}, m.(*llmtest.Model).Asked()); diff != "" {
			t.Errorf("models asked (-want +got):\n%s", diff)
		}
	}
}

// warmUp runs one turn: ADK v2.2.0 writes an agent's default mode, unguarded, in
// the first.
func warmUp(t *testing.T, app App) {
	t.Helper()
	if _, err := app.Run(t.Context(), "first", "work"); err != nil {
		t.Fatal(err)
	}
}

// B115: with more runs at once than there are tracked turns, every record is right
// and Recover acts, on errors that are errors and on those that are responses.
func (s *suite) crowd(t *testing.T) {
	const runs = 150 // of which all are in flight at once
	for name, fail := range map[string]func(text string) (*model.LLMResponse, error){
		"errors": func(text string) (*model.LLMResponse, error) { return nil, genai.APIError{Code: 429, Message: text} },
		"responses": func(text string) (*model.LLMResponse, error) {
			return &model.LLMResponse{ErrorCode: "429", ErrorMessage: text}, nil
		},
	} {
		for _, recovers := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", Recover ", recovers), func(t *testing.T) {
				var waiting sync.WaitGroup
				root := llmtest.NewModel("flash", func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
					text := llmtest.TextOf(req.Contents[len(req.Contents)-1])
					if text == "work" {
						yield(&model.LLMResponse{Content: genai.NewContentFromText("fine", genai.RoleModel)}, nil)
						return
					}
					waiting.Done()
					waiting.Wait()
					yield(fail(text))
				})
				backup := llmtest.NewModel("pro", func(_ context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
					text := llmtest.TextOf(req.Contents[len(req.Contents)-1])
					yield(&model.LLMResponse{Content: genai.NewContentFromText("saved "+text, genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
				})
				config := turn.Config{FallbackModel: "max"}
				if recovers {
					config = turn.Config{Recover: backup}
				}
				app := s.app(t, config, root)
				warmUp(t, app)
				waiting.Add(runs)
				var wg sync.WaitGroup
				for i := range runs {
					wg.Go(func() { crowdRun(t, app, fmt.Sprintf("run %d.", i), recovers) })
				}
				wg.Wait()
			})
		}
	}
}

// crowdRun runs one turn of a crowd and checks its record.
func crowdRun(t *testing.T, app App, text string, recovers bool) {
	events, err := app.Run(t.Context(), text, text)
	if err != nil || len(events) == 0 {
		t.Errorf("%d events, error %v", len(events), err)
		return
	}
	ev := events[len(events)-1]
	md, _ := ev.Metadata()
	if len(md.Attempts) == 0 || md.Attempts[0].Message != text || md.OriginalModel != "flash" || md.Attempt != 1 || md.ErrorCode != "429" {
		t.Errorf("%s has metadata %+v", text, md)
	}
	if recovers && ev.Text() != "saved "+text {
		t.Errorf("%s is answered with %q", text, ev.Text())
	}
}

func (s *suite) sessions(t *testing.T) {
	m := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		step := llmtest.Text("fine")
		if text := req.Contents[len(req.Contents)-1].Parts[0].Text; strings.HasPrefix(text, "fail") {
			step = llmtest.Fail(genai.APIError{Code: 429, Message: text})
		}
		step(ctx, req, stream, yield)
	})
	app := s.app(t, turn.Config{FallbackModel: "pro"}, m)
	warmUp(t, app)
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
		step := llmtest.Text("fine")
		if i%2 == 0 {
			step = llmtest.Fail(genai.APIError{Code: 429, Message: fmt.Sprint("message ", i)})
		}
		setup.Agent.Sub = append(setup.Agent.Sub, Agent{Name: fmt.Sprint("agent", i), Model: llmtest.NewModel(fmt.Sprint("model", i), step)})
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

func (s *suite) cancellation(t *testing.T) {
	for name, last := range map[string]func() (*model.LLMResponse, error){
		"as an error":     func() (*model.LLMResponse, error) { return nil, llmtest.ErrQuota },
		"as a response":   func() (*model.LLMResponse, error) { return &model.LLMResponse{ErrorCode: "429"}, nil },
		"by another kind": func() (*model.LLMResponse, error) { return nil, context.DeadlineExceeded },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			backup := llmtest.NewModel("pro", llmtest.Text("backup"))
			root := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				cancel()
				yield(last())
			})
			var h heard
			config := h.listen(turn.Config{Recover: backup, FallbackModel: "max", ErrorCodes: []any{429, "any"}})
			events, err := s.app(t, config, root).Retry(ctx, "s", "hi")
			if len(backup.Requests()) > 0 || len(root.Requests()) != 1 || name != "as a response" && err == nil {
				t.Errorf("error %v, %d events, %d calls of the backup, want an error and nothing else", err, len(events), len(backup.Requests()))
			}
			for _, ev := range events {
				if md, ok := ev.Metadata(); ok {
					t.Errorf("metadata %+v, want none", md)
				}
			}
			if len(h.fallbacks) > 0 || h.log.Len() > 0 {
				t.Errorf("fallbacks %v and log %q, want none", h.fallbacks, h.log.String())
			}
		})
	}
}
