package plugin_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/agent/workflowagents/loopagent"
	"google.golang.org/adk/v2/agent/workflowagents/parallelagent"
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

// B118: a turn runs agents in sequences, groups and loops, with transfers and loops that end
// by themselves. Whichever of the agents fail, each answers as often as it is run.
func TestRetryOverRandomTrees(t *testing.T) {
	for seed := range uint64(100) {
		g := &grove{random: rand.New(rand.NewPCG(seed, 0)), want: map[string]int{}}
		p := fallback.MustNew(fallback.Config{FallbackModel: "pro", Logger: slog.New(slog.DiscardHandler)})
		r := built(runner.New(runner.Config{
			AppName: "app", Agent: g.tree("a", 3, 1, false), SessionService: session.InMemoryService(), AutoCreateSession: true,
			PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{p}},
		}))
		got := map[string]int{}
		for ev, err := range fallback.Retry(t.Context(), r, "user", "s", message("hi"), agent.RunConfig{}) {
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if llmtest.TextOf(ev.Content) != "" {
				got[ev.Author]++
			}
		}
		if diff := cmp.Diff(g.want, got); diff != "" {
			t.Errorf("seed %d: answers (-want +got):\n%s", seed, diff)
		}
	}
}

// grove makes random trees of agents.
type grove struct {
	random *rand.Rand
	want   map[string]int // how often each agent is to answer
}

// tree returns an agent that a turn runs the given number of times. A loop contains no loop
// that ends by itself, because that would end the outer one, too.
func (g *grove) tree(name string, depth, times int, inLoop bool) agent.Agent {
	config := agent.Config{Name: name}
	members := func(times int, inLoop bool) {
		for i := range 1 + g.random.IntN(3) {
			config.SubAgents = append(config.SubAgents, g.tree(fmt.Sprint(name, i), depth-1, times, inLoop))
		}
	}
	switch kind := g.random.IntN(5); {
	case depth == 0:
	case kind == 1:
		members(times, inLoop)
		return built(parallelagent.New(parallelagent.Config{AgentConfig: config}))
	case kind == 2:
		members(2*times, true)
		return built(loopagent.New(loopagent.Config{AgentConfig: config, MaxIterations: 2}))
	case kind == 3 && !inLoop: // it ends in its first round
		members(times, true)
		exit := llmtest.Call("c1", "exit_loop", "", nil)
		config.SubAgents = append(config.SubAgents, named(llmagent.Config{Tools: []tool.Tool{built(exitlooptool.New())}}, name+"x", g.unreliable(exit)))
		return built(loopagent.New(loopagent.Config{AgentConfig: config, MaxIterations: 3}))
	case kind == 4:
		members(times, inLoop)
		return built(sequentialagent.New(sequentialagent.Config{AgentConfig: config}))
	}
	if g.random.IntN(3) == 0 {
		helper := name + "h"
		g.want[helper] = times
		transfer := llmtest.Call("c1", "transfer_to_agent", "", map[string]any{"agent_name": helper})
		return named(llmagent.Config{SubAgents: []agent.Agent{named(llmagent.Config{}, helper, g.unreliable(llmtest.Text("answer")))}}, name, g.unreliable(transfer))
	}
	g.want[name] = times
	return named(llmagent.Config{}, name, g.unreliable(llmtest.Text("answer")))
}

// unreliable fails now and then, until it is called as pro.
func (g *grove) unreliable(step llmtest.Step) model.LLM {
	steps := make([]llmtest.Step, 8) // of its calls; the last repeats
	for i := range steps {
		flash := step
		if g.random.IntN(3) == 0 {
			flash = llmtest.Fail(llmtest.ErrQuota)
		}
		steps[i] = llmtest.ByModel(map[string]llmtest.Step{"flash": flash, "pro": step})
	}
	return llmtest.NewModel("flash", steps...)
}
