package plugin_test

import (
	"testing"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// B60: ADK's Gemini model writes headers and a user turn into its request;
// another model is to see what the agent asked.
func TestRecoverSeesTheAgentsRequest(t *testing.T) {
	server := fallbacktest.NewServer()
	defer server.Close()
	server.Script("flash", fallbacktest.DailyQuota())
	root, err := gemini.NewModel(t.Context(), "flash", server.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	backup := llmtest.NewModel("backup", llmtest.Text("saved"))
	// The history ends with an answer: a run without a message continues it.
	assistant, err := llmagent.New(llmagent.Config{
		Name: "assistant", Model: root,
		BeforeModelCallbacks: []llmagent.BeforeModelCallback{func(_ agent.Context, req *model.LLMRequest) (*model.LLMResponse, error) {
			req.Contents = append(req.Contents, genai.NewContentFromText("so far", genai.RoleModel))
			return nil, nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{
		AppName: "app", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true,
		PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{fallback.MustNew(fallback.Config{Recover: backup})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collect(r.Run(t.Context(), "user", "s", message("hi"), agent.RunConfig{})); err != nil {
		t.Fatal(err)
	}
	got := backup.Requests()[0]
	if n := len(got.Contents); n != 2 || got.Contents[1].Role != genai.RoleModel {
		t.Errorf("%d contents, want the question and the answer so far", n)
	}
	if h := got.Config.HTTPOptions.Headers; len(h) > 0 {
		t.Errorf("headers %v, want none of the root's client", h)
	}
}
