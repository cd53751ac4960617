// Package ci_test is a gate for an agent behind a policy file. README.md explains it.
package ci_test

import (
	"log/slog"
	"testing"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
)

// The names of the policy file.
const (
	primary  = "gemini-2.5-flash"
	fallback = "gemini-2.5-flash-lite"
	template = "Please try again in a minute."
)

// newModel returns the model of the policy file. With a server, its models are that server's.
func newModel(t *testing.T, server *fallbacktest.Server) model.LLM {
	t.Helper()
	opts := []policy.Option{policy.WithLogger(slog.New(slog.DiscardHandler))} // breakers would fill the log
	if server != nil {
		models := policy.Models{}
		for _, name := range []string{primary, fallback} {
			m, err := gemini.New(t.Context(), name, gemini.Config{Client: server.ClientConfig()})
			if err != nil {
				t.Fatal(err)
			}
			models[name] = m
		}
		opts = append(opts, models)
	}
	m, err := policy.Load(t.Context(), "fallback.yaml", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newAgent returns the agent under test, in a runner. Use the constructor of your own agent.
func newAgent(t *testing.T, m model.LLM) *runner.Runner {
	t.Helper()
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m, Instruction: "Answer in one sentence."})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{AppName: "desk", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// turn is what a user got.
type turn struct {
	text, model string
	md          call.Metadata
	err         error
}

func ask(t *testing.T, r *runner.Runner, session string, mode agent.StreamingMode) (got turn) {
	t.Helper()
	message := genai.NewContentFromText("How is the weather?", genai.RoleUser)
	for event, err := range r.Run(t.Context(), "user", session, message, agent.RunConfig{StreamingMode: mode}) {
		if err != nil {
			got.err = err
			continue
		}
		if event.Partial || event.Content == nil {
			continue
		}
		got.text = event.Content.Parts[0].Text
		got.md, _ = call.ReadEvent(event)
		got.model = got.md.ModelName
	}
	return got
}

func TestFallbackAnswersWhenThePrimaryIsOverloaded(t *testing.T) {
	server := fallbacktest.NewServer()
	defer server.Close()
	server.Strict() // refuse what the real APIs refuse
	server.Script(primary, fallbacktest.Overloaded())
	server.Script(fallback, fallbacktest.Text("It is sunny."))
	got := ask(t, newAgent(t, newModel(t, server)), "session", agent.StreamingModeSSE)
	if got.err != nil || got.text != "It is sunny." || got.model != fallback || got.md.ErrorCode != "503" {
		t.Errorf("error %v, %q by %q after %q; want the answer of %s after 503", got.err, got.text, got.model, got.md.ErrorCode, fallback)
	}
	for _, violation := range server.Violations() {
		t.Error(violation)
	}
}

func TestTemplateAnswersWhenNoModelDoes(t *testing.T) {
	server := fallbacktest.NewServer()
	defer server.Close()
	server.Script(primary, fallbacktest.DailyQuota())
	server.Script(fallback, fallbacktest.Overloaded())
	got := ask(t, newAgent(t, newModel(t, server)), "session", agent.StreamingModeSSE)
	if got.err != nil || got.text != template || got.md.Degraded != "template-response" {
		t.Errorf("error %v, %q, degraded %q; want the template", got.err, got.text, got.md.Degraded)
	}
}
