package plugin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// An agent that hands over to another one of the same model does so while it
// holds its own answer: the model's only place, or a breaker's only probe, is
// free by then.
func TestTransferToAnAgentOfTheSameModel(t *testing.T) {
	for name, layer := range map[string]middleware.Middleware{
		"one place": middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 1}),
		"one probe": middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1, OpenFor: time.Second}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := layer(llmtest.NewModel("flash",
					llmtest.Fail(llmtest.ErrUnavailable),
					llmtest.Call("c1", "transfer_to_agent", "sig", map[string]any{"agent_name": "expert"}),
					llmtest.Text("done"),
				))
				expert, err := llmagent.New(llmagent.Config{Name: "expert", Description: "knows", Model: m})
				if err != nil {
					t.Fatal(err)
				}
				clerk, err := llmagent.New(llmagent.Config{Name: "clerk", Model: m, SubAgents: []agent.Agent{expert}})
				if err != nil {
					t.Fatal(err)
				}
				r, err := runner.New(runner.Config{AppName: "app", Agent: clerk, SessionService: session.InMemoryService(), AutoCreateSession: true})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := collect(r.Run(t.Context(), "user", "s1", message("hi"), agent.RunConfig{})); err == nil {
					t.Fatal("the first turn succeeds, want the model down")
				}
				time.Sleep(time.Second)
				started := time.Now()
				events, err := collect(r.Run(t.Context(), "user", "s2", message("hi"), agent.RunConfig{}))
				if err != nil {
					t.Fatal(err)
				}
				last := events[len(events)-1]
				if last.Author != "expert" || last.Response.Content.Parts[0].Text != "done" || time.Since(started) != 0 {
					t.Errorf("after %v, %s answers %v, want expert to answer at once", time.Since(started), last.Author, last.Response.Content.Parts[0].Text)
				}
			})
		})
	}
}
