package policy_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// answerIn runs one turn of an agent in a session with state, and returns the
// last text.
func answerIn(t *testing.T, ctx context.Context, text string, given policy.Models, state map[string]any) string {
	t.Helper()
	a, err := llmagent.New(llmagent.Config{Name: "assistant", Model: build(t, text, given)})
	if err != nil {
		t.Fatal(err)
	}
	sessions := session.InMemoryService()
	r, err := runner.New(runner.Config{AppName: "app", Agent: a, SessionService: sessions})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sessions.Create(ctx, &session.CreateRequest{AppName: "app", UserID: "ann", State: state})
	if err != nil {
		t.Fatal(err)
	}
	answer := ""
	for event, err := range r.Run(ctx, "ann", s.Session.ID(), genai.NewContentFromText("hello", genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Content != nil && len(event.Content.Parts) > 0 {
			answer = event.Content.Parts[0].Text
		}
	}
	return answer
}

// Facts come from the state of an ADK session; what the application tells by
// itself wins.
func TestFactsFromTheSession(t *testing.T) {
	const text = `
primary: a
fallbacks:
  - {name: b, condition: "tenant == 'acme' && labels['plan'] == 'gold' && labels['seats'] == '5' && data_class == 'pii' && priority == 'high'"}
  - {name: c, condition: "error"}
context: {tenant: "user:tenant", data_class: class, priority: urgency, labels: {plan: "app:plan", seats: seats, missing: nothing}}
`
	state := map[string]any{"user:tenant": "acme", "app:plan": "gold", "seats": 5, "class": "pii", "urgency": "high"}
	given := named("b", "c")
	given["a"] = suite.NewModel("a", suite.Fail(suite.ErrUnavailable))
	if got := answerIn(t, t.Context(), text, given, state); got != "b" {
		t.Errorf("%s answered, want b: the facts of the session", got)
	}
	told := call.With(t.Context(), call.Info{Tenant: "other"})
	if got := answerIn(t, told, text, given, state); got != "c" {
		t.Errorf("%s answered, want c: the application has told another tenant", got)
	}
	plan := call.With(t.Context(), call.Info{Labels: map[string]string{"plan": "silver"}})
	if got := answerIn(t, plan, text, given, state); got != "c" {
		t.Errorf("%s answered, want c: the application has told another plan", got)
	}
	if got := answerIn(t, t.Context(), text, given, nil); got != "c" {
		t.Errorf("%s answered, want c: a session without facts", got)
	}
}

// priority.from names the fact that ranks calls in a queue. B77
func TestPriorityFromAFact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "primary: a\nrate_limits: {concurrency: 1, queue_timeout: 1m}\npriority: {classes: [paid, free], from: labels.plan}"
		a := suite.NewModel("a", after(time.Second, suite.Text("a")))
		m := build(t, text, models(a))
		took := make(chan string, 4)
		for _, plan := range []string{"first", "free", "none", "paid"} {
			go func() {
				ask(call.With(t.Context(), call.Info{Labels: map[string]string{"plan": plan}}), m, false)
				took <- plan
			}()
			synctest.Wait()
		}
		var order []string
		for range 4 {
			order = append(order, <-took)
		}
		if order[1] != "paid" || order[2] != "free" || order[3] != "none" {
			t.Errorf("order %v, want paid before free before others", order)
		}
	})
}
