package policy_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// answerOf runs one turn of an agent with the model m, and returns the last text.
func answerOf(t *testing.T, ctx context.Context, m model.LLM, plugins []*plugin.Plugin, streamed bool, state map[string]any) (answer string, failed error) {
	t.Helper()
	a, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
	if err != nil {
		t.Fatal(err)
	}
	sessions := session.InMemoryService()
	r, err := runner.New(runner.Config{AppName: "app", Agent: a, SessionService: sessions, PluginConfig: runner.PluginConfig{Plugins: plugins}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sessions.Create(ctx, &session.CreateRequest{AppName: "app", UserID: "ann", State: state})
	if err != nil {
		t.Fatal(err)
	}
	config := agent.RunConfig{}
	if streamed {
		config.StreamingMode = agent.StreamingModeSSE
	}
	for event, err := range r.Run(ctx, "ann", s.Session.ID(), genai.NewContentFromText("hello", genai.RoleUser), config) {
		if err != nil {
			failed = err
		} else if event.Content != nil && len(event.Content.Parts) > 0 {
			answer = event.Content.Parts[0].Text
		}
	}
	return answer, failed
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
	given["a"] = llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
	answer := func(ctx context.Context, state map[string]any) string {
		got, err := answerOf(t, ctx, build(t, text, given), nil, false, state)
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if got := answer(t.Context(), state); got != "b" {
		t.Errorf("%s answered, want b: the facts of the session", got)
	}
	told := call.With(t.Context(), call.Info{Tenant: "other"})
	if got := answer(told, state); got != "c" {
		t.Errorf("%s answered, want c: the application has told another tenant", got)
	}
	plan := call.With(t.Context(), call.Info{Labels: map[string]string{"plan": "silver"}})
	if got := answer(plan, state); got != "c" {
		t.Errorf("%s answered, want c: the application has told another plan", got)
	}
	if got := answer(t.Context(), nil); got != "c" {
		t.Errorf("%s answered, want c: a session without facts", got)
	}
}

// A fact is the same text whether a session keeps its values or has written them
// to a database as JSON.
func TestFactsAreTheSameAfterADatabase(t *testing.T) {
	type plan string
	for _, test := range []struct {
		value any
		want  string
	}{
		{"acme", "acme"}, {plan("gold"), "gold"}, {true, "true"}, {"", ""}, {nil, ""},
		{1234567, "1234567"}, {int8(-5), "-5"}, {int32(7), "7"}, {int64(9007199254740992), "9007199254740992"},
		{uint(1234567), "1234567"}, {uint64(42), "42"}, {float32(0.1), "0.1"}, {1234567.0, "1234567"}, {2.5, "2.5"}, {1e21, "1000000000000000000000"},
		{json.Number("1234567"), "1234567"}, {json.Number("5.0"), "5"}, {json.Number("1e3"), "1000"},
		{[]string{"acme"}, ""}, {map[string]any{"name": "acme"}, ""}, {math.Inf(1), ""}, // unreadable
	} {
		kept := test.value
		data, err := json.Marshal(kept)
		if err == nil {
			if err := json.Unmarshal(data, &kept); err != nil {
				t.Fatal(err)
			}
		}
		for _, value := range []any{test.value, kept} {
			m := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
			got, err := answerOf(t, t.Context(), build(t, "primary: a\nfallbacks: [{name: template-response}]\ncontext: {tenant: owner}\ndegrade: {template: '[{{.Tenant}}]'}", models(m)), nil, false, map[string]any{"owner": value})
			if got != "["+test.want+"]" {
				t.Errorf("%T %v: tenant %s (%v), want [%s]", value, value, got, err, test.want)
			}
		}
	}
}

// priority.from names the fact that ranks calls in a queue. B77
func TestPriorityFromAFact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "primary: a\nrate_limits: {concurrency: 1, queue_timeout: 1m}\npriority: {classes: [paid, free], from: labels.plan}"
		a := llmtest.NewModel("a", after(time.Second, llmtest.Text("a")))
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
