package adkv1_test

import (
	"context"
	"iter"
	"testing"

	"google.golang.org/adk/agent"
	"google.golang.org/adk/agent/llmagent"
	"google.golang.org/adk/agent/workflowagents/loopagent"
	"google.golang.org/adk/agent/workflowagents/parallelagent"
	"google.golang.org/adk/agent/workflowagents/sequentialagent"
	"google.golang.org/adk/model"
	"google.golang.org/adk/plugin"
	"google.golang.org/adk/runner"
	"google.golang.org/adk/session"
	"google.golang.org/adk/tool"
	"google.golang.org/adk/tool/functiontool"
	modelv2 "google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/plugintest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/adkv1"
)

// B01, B02, B03, B04, B05, B06, B07, B08, B10, B11, B12, B13, B14, B15, B16, B113,
// B114, B115, B116, B117, B118, B125: each is a subtest of that number, unary and
// streamed.
func TestPlugin(t *testing.T) {
	plugintest.Run(t, plugintest.Harness{
		NewPlugin: func(config turn.Config) error {
			_, err := newPlugin(config)
			return err
		},
		NewApp: newApp,
	})
}

func newPlugin(config turn.Config) (*plugin.Plugin, error) {
	cfg := adkv1.Config{
		RootModel: config.RootModel, FallbackModel: config.FallbackModel, FallbackModels: config.FallbackModels,
		ErrorCodes: config.ErrorCodes, Recover: adkv1.FromV2(config.Recover), MaxTurns: config.MaxTurns, PruneTo: config.PruneTo,
		Logger: config.Logger, Hooks: config.Hooks,
	}
	return adkv1.New(cfg)
}

type app struct {
	runner   *runner.Runner
	sessions session.Service
	config   agent.RunConfig
}

func newApp(t *testing.T, setup plugintest.Setup) plugintest.App {
	t.Helper()
	p, err := newPlugin(setup.Config)
	if err != nil {
		t.Fatal(err)
	}
	plugins := []*plugin.Plugin{p}
	if setup.Observe != nil {
		observer, err := plugin.New(plugin.Config{
			Name: "observer",
			AfterModelCallback: func(_ agent.CallbackContext, resp *model.LLMResponse, _ error) (*model.LLMResponse, error) {
				setup.Observe("plugin", (*modelv2.LLMResponse)(resp))
				return nil, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		plugins = append(plugins, observer)
	}
	a := &app{sessions: session.InMemoryService()}
	if setup.Database {
		a.sessions = newDatabase(t)
	}
	if setup.Stream {
		a.config.StreamingMode = agent.StreamingModeSSE
	}
	a.runner, err = runner.New(runner.Config{
		AppName: "app", Agent: newAgent(t, setup, setup.Agent), SessionService: a.sessions, AutoCreateSession: true,
		PluginConfig: runner.PluginConfig{Plugins: plugins},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newAgent(t *testing.T, setup plugintest.Setup, spec plugintest.Agent) agent.Agent {
	t.Helper()
	var sub []agent.Agent
	for _, s := range spec.Sub {
		sub = append(sub, newAgent(t, setup, s))
	}
	var a agent.Agent
	var err error
	switch {
	case spec.Parallel:
		a, err = parallelagent.New(parallelagent.Config{AgentConfig: agent.Config{Name: spec.Name, SubAgents: sub}})
	case spec.Rounds > 0:
		a, err = loopagent.New(loopagent.Config{AgentConfig: agent.Config{Name: spec.Name, SubAgents: sub}, MaxIterations: spec.Rounds})
	case len(sub) > 0:
		a, err = sequentialagent.New(sequentialagent.Config{AgentConfig: agent.Config{Name: spec.Name, SubAgents: sub}})
	default:
		config := llmagent.Config{Name: spec.Name, Model: adkv1.FromV2(spec.Model)}
		if setup.Observe != nil {
			config.AfterModelCallbacks = append(config.AfterModelCallbacks, func(_ agent.CallbackContext, resp *model.LLMResponse, _ error) (*model.LLMResponse, error) {
				setup.Observe("agent", (*modelv2.LLMResponse)(resp))
				return nil, nil
			})
		}
		if spec.Lookup != nil {
			lookup, err := functiontool.New(functiontool.Config{Name: "lookup", Description: "looks something up"},
				func(agent.ToolContext, struct{}) (map[string]string, error) {
					spec.Lookup()
					return map[string]string{"found": "it"}, nil
				})
			if err != nil {
				t.Fatal(err)
			}
			config.Tools = []tool.Tool{lookup}
		}
		a, err = llmagent.New(config)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func message(text string) *genai.Content {
	if text == "" {
		return nil
	}
	return genai.NewContentFromText(text, genai.RoleUser)
}

func (a *app) Run(ctx context.Context, sessionID, text string) ([]plugintest.Event, error) {
	return collect(a.runner.Run(ctx, "user", sessionID, message(text), a.config))
}

func (a *app) Retry(ctx context.Context, sessionID, text string) ([]plugintest.Event, error) {
	return collect(adkv1.Retry(ctx, a.runner, "user", sessionID, message(text), a.config))
}

func (a *app) Advance(ctx context.Context, ev plugintest.Event) (context.Context, bool) {
	return adkv1.Advance(ctx, ev.Native.(*session.Event))
}

func (a *app) Stored(t *testing.T, sessionID string) []plugintest.Event {
	t.Helper()
	got, err := a.sessions.Get(t.Context(), &session.GetRequest{AppName: "app", UserID: "user", SessionID: sessionID})
	if err != nil {
		t.Fatal(err)
	}
	var events []plugintest.Event
	for ev := range got.Session.Events().All() {
		events = append(events, view(ev))
	}
	return events
}

func collect(events iter.Seq2[*session.Event, error]) (out []plugintest.Event, err error) {
	for ev, err := range events {
		if err != nil {
			return out, err
		}
		out = append(out, view(ev))
	}
	return out, nil
}

func view(ev *session.Event) plugintest.Event {
	return plugintest.Event{Author: ev.Author, Branch: ev.Branch, Response: (*modelv2.LLMResponse)(&ev.LLMResponse), Native: ev}
}
