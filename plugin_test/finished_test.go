package plugin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/agent/workflowagents/loopagent"
	"google.golang.org/adk/v2/agent/workflowagents/sequentialagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/adk/v2/tool"
	"google.golang.org/adk/v2/tool/exitlooptool"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback"
)

// retried runs one turn of root through the outer loop, and returns the texts shown.
func retried(t *testing.T, root agent.Agent) (shown []string) {
	t.Helper()
	r := built(runner.New(runner.Config{
		AppName: "app", Agent: root, SessionService: session.InMemoryService(), AutoCreateSession: true,
		PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{fallback.MustNew(fallback.Config{FallbackModel: "pro"})}},
	}))
	for ev, err := range fallback.Retry(t.Context(), r, "user", "s", message("hi"), agent.RunConfig{}) {
		if err != nil {
			t.Fatal(err)
		}
		if text := llmtest.TextOf(ev.Content); text != "" {
			shown = append(shown, text)
		}
	}
	return shown
}

func built[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func named(config llmagent.Config, name string, m model.LLM) agent.Agent {
	config.Name, config.Description, config.Model = name, name, m
	return built(llmagent.New(config))
}

// onPro fails until the outer loop has chosen pro.
func onPro(text string) *llmtest.Model {
	return llmtest.NewModel("flash", llmtest.ByModel(map[string]llmtest.Step{"flash": llmtest.Fail(llmtest.ErrQuota), "pro": llmtest.Text(text)}))
}

// B118: a loop that has ended by itself does not begin again when a later agent fails.
func TestRetryAfterALoopThatHasEnded(t *testing.T) {
	writer := llmtest.NewModel("flash", llmtest.Call("c1", "exit_loop", "", nil), llmtest.Text("more"))
	loop := built(loopagent.New(loopagent.Config{MaxIterations: 5, AgentConfig: agent.Config{Name: "loop", SubAgents: []agent.Agent{
		named(llmagent.Config{Tools: []tool.Tool{built(exitlooptool.New())}}, "writer", writer),
	}}}))
	root := built(sequentialagent.New(sequentialagent.Config{AgentConfig: agent.Config{Name: "root", SubAgents: []agent.Agent{
		loop, named(llmagent.Config{}, "reviewer", onPro("reviewed")),
	}}}))
	if diff := cmp.Diff([]string{"reviewed"}, retried(t, root)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

// B118: an agent that another one has transferred to is skipped with that one only, not
// in a later round of the loop.
func TestRetryAfterATransferInALoop(t *testing.T) {
	helper := llmtest.NewModel("flash", llmtest.Text("help 1"), llmtest.Text("help 2"))
	front := llmtest.NewModel("flash", llmtest.Call("c1", "transfer_to_agent", "", map[string]any{"agent_name": "helper"}))
	root := built(loopagent.New(loopagent.Config{MaxIterations: 2, AgentConfig: agent.Config{Name: "root", SubAgents: []agent.Agent{
		named(llmagent.Config{SubAgents: []agent.Agent{named(llmagent.Config{}, "helper", helper)}}, "front", front),
		named(llmagent.Config{}, "reviewer", onPro("reviewed")),
	}}}))
	if diff := cmp.Diff([]string{"help 1", "reviewed", "help 2", "reviewed"}, retried(t, root)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

// B118: an agent that gets the turn back from the one that it has transferred to is one
// agent, which has finished.
func TestRetryAfterATransferThereAndBack(t *testing.T) {
	transfer := func(to string) llmtest.Step {
		return llmtest.Call("c1", "transfer_to_agent", "", map[string]any{"agent_name": to})
	}
	front := llmtest.NewModel("flash", transfer("helper"), llmtest.Text("answer"), llmtest.Text("again"))
	root := built(sequentialagent.New(sequentialagent.Config{AgentConfig: agent.Config{Name: "root", SubAgents: []agent.Agent{
		named(llmagent.Config{SubAgents: []agent.Agent{named(llmagent.Config{}, "helper", llmtest.NewModel("flash", transfer("front")))}}, "front", front),
		named(llmagent.Config{}, "reviewer", onPro("reviewed")),
	}}}))
	if diff := cmp.Diff([]string{"answer", "reviewed"}, retried(t, root)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

// B118, B59: the result of an agent that was called as a tool is in the history of its
// caller. If the caller fails and calls it again on the next model, it answers again.
func TestRetryOfAnAgentThatCallsAgents(t *testing.T) {
	for _, mode := range []llmagent.Mode{llmagent.ModeSingleTurn, llmagent.ModeTask} {
		finish := func(id, result string) llmtest.Step {
			if mode == llmagent.ModeSingleTurn {
				return llmtest.Text(result)
			}
			return llmtest.Call(id, "finish_task", "", map[string]any{"result": result})
		}
		caller := llmtest.NewModel("flash",
			llmtest.Call("c1", "helper", "", map[string]any{"request": "one"}), llmtest.Fail(llmtest.ErrQuota),
			llmtest.Call("c2", "helper", "", map[string]any{"request": "two"}), llmtest.Text("done"))
		helper := llmtest.NewModel("flash", finish("f1", "help 1"), finish("f2", "help 2"))
		root := named(llmagent.Config{SubAgents: []agent.Agent{named(llmagent.Config{Mode: mode}, "helper", helper)}}, "caller", caller)
		shown := retried(t, root)
		if n := len(helper.Requests()); n != 2 || shown[len(shown)-1] != "done" {
			t.Errorf("mode %v: %d calls of the helper, want 2; shown %q", mode, n, shown)
		}
	}
}
