package plugintest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// screen is what a consumer of events shows: for each author and branch the
// answers, and what it was shown in part and not told to discard.
type screen map[string][]string

func show(events []Event) screen {
	shown, parts := screen{}, map[string]string{}
	for _, ev := range events {
		at := ev.Author + " " + ev.Branch
		switch {
		case ev.Response.CustomMetadata[call.KeyRestart] == true:
			delete(parts, at)
		case ev.Response.Partial:
			parts[at] += ev.Text()
		case ev.Text() != "":
			shown[at] = append(shown[at], ev.Text())
			delete(parts, at)
		}
	}
	for at, part := range parts {
		shown[at] = append(shown[at], "in part: "+part)
	}
	return shown
}

// answersOf are the answers of agents in the session.
func answersOf(t *testing.T, app App) screen {
	t.Helper()
	return show(slices.DeleteFunc(app.Stored(t, "s"), func(ev Event) bool { return ev.Author == "user" }))
}

// interrupted shows a part and waits until its call is given up; the next call is
// answered with text.
func interrupted(text string, shown func()) *llmtest.Model {
	return llmtest.NewModel("flash", func(ctx context.Context, _ *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if stream && !yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil) {
			return
		}
		shown()
		<-ctx.Done()
		yield(nil, ctx.Err())
	}, llmtest.Text(text))
}

// after is step, once ready is closed.
func after(ready <-chan struct{}, step llmtest.Step) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-ready:
			step(ctx, req, stream, yield)
		case <-ctx.Done():
			yield(nil, ctx.Err())
		}
	}
}

// B118: of parallel agents, one has finished, one is at work and one fails after a
// part of its answer. All come out once, on the screen and in the session.
func (s *suite) outerLoopOverParallelAgents(t *testing.T) {
	ready := make(chan struct{})
	finished := llmtest.NewModel("flash", llmtest.Text("of a"))
	atWork := interrupted("of b", func() { close(ready) })
	failing := llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{
		"flash": after(ready, llmtest.Fail(llmtest.ErrQuota, "lost ")), "pro": llmtest.Fail(llmtest.ErrDeadline, "lost too "), "max": llmtest.Text("of c"),
	}))
	app := s.NewApp(t, Setup{
		Config: turn.Config{FallbackModel: "pro", FallbackModels: []string{"max"}}, Stream: s.stream,
		Agent: Agent{Name: "all", Parallel: true, Sub: []Agent{
			{Name: "ab", Sub: []Agent{{Name: "a", Model: finished}, {Name: "b", Model: atWork}}}, {Name: "c", Model: failing},
		}},
	})
	events, err := app.Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	want := screen{"a all.ab": {"of a"}, "b all.ab": {"of b"}, "c all.c": {"of c"}}
	if diff := cmp.Diff(want, show(events)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, answersOf(t, app)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if n := len(finished.Requests()); n != 1 {
		t.Errorf("the agent that had finished called its model %d times, want once", n)
	}
	for _, ev := range app.Stored(t, "s") {
		if ev.Response.ErrorCode == "" && ev.Text() == "" {
			t.Errorf("an empty event of %s is stored", ev.Author)
		}
	}
}

// B118: agents that all fail at once are all asked on the next model, and answer
// once.
func (s *suite) outerLoopOverFailingAgents(t *testing.T) {
	const agents = 24 // more than a turn has runs for one agent
	setup := Setup{Config: turn.Config{FallbackModel: "pro"}, Stream: s.stream, Agent: Agent{Name: "all", Parallel: true}}
	want := screen{}
	for i := range agents {
		name, text := fmt.Sprint("agent", i), fmt.Sprint("answer ", i)
		m := llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota, "lost "), "pro": llmtest.Text(text)}))
		setup.Agent.Sub = append(setup.Agent.Sub, Agent{Name: name, Model: m})
		want[name+" all."+name] = []string{text}
	}
	app := s.NewApp(t, setup)
	events, err := app.Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, show(events)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, answersOf(t, app)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// B118: what came before the failed agent is not said again, be it in a sequence or
// in rounds of a loop.
func (s *suite) outerLoopInALoop(t *testing.T) {
	first := llmtest.NewModel("flash", llmtest.Text("first 1"), llmtest.Text("first 2"), llmtest.Text("first 3"))
	second := llmtest.NewModel("flash", llmtest.Text("second 1"), llmtest.Fail(llmtest.ErrQuota, "lost "), llmtest.Text("second 2"), llmtest.Text("second 3"))
	app := s.NewApp(t, Setup{
		Config: turn.Config{FallbackModel: "pro"}, Stream: s.stream,
		Agent: Agent{Name: "loop", Rounds: 3, Sub: []Agent{{Name: "a", Model: first}, {Name: "b", Model: second}}},
	})
	events, err := app.Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	want := screen{"a ": {"first 1", "first 2", "first 3"}, "b ": {"second 1", "second 2", "second 3"}}
	if diff := cmp.Diff(want, show(events)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, answersOf(t, app)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// B118, B59: a tool that is at work when another agent fails is not run again.
func (s *suite) outerLoopDuringATool(t *testing.T) {
	looking, failed := make(chan struct{}), make(chan struct{})
	var failedOnce sync.Once
	looked := 0
	using := llmtest.NewModel("flash", llmtest.Call("c1", "lookup", "", nil), llmtest.Text("used"))
	failing := llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{"flash": after(looking, llmtest.Fail(llmtest.ErrQuota)), "pro": llmtest.Text("saved")}))
	app := s.NewApp(t, Setup{
		Config: turn.Config{FallbackModel: "pro"}, Stream: s.stream,
		Agent: Agent{Name: "all", Parallel: true, Sub: []Agent{
			{Name: "user of a tool", Model: using, Lookup: func() { looked++; close(looking); <-failed }}, {Name: "other", Model: failing},
		}},
		Observe: func(_ string, resp *model.LLMResponse) {
			if resp.ErrorCode != "" {
				failedOnce.Do(func() { close(failed) })
			}
		},
	})
	events, err := app.Retry(t.Context(), "s", "hi")
	if err != nil {
		t.Fatal(err)
	}
	want := screen{"user of a tool all.user of a tool": {"used"}, "other all.other": {"saved"}}
	if diff := cmp.Diff(want, show(events)); diff != "" || looked != 1 {
		t.Errorf("the tool ran %d times; shown (-want +got):\n%s", looked, diff)
	}
}
