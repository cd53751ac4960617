package router_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// except returns a guard that refuses the target of a name.
func except(name, reason string) guard.Guard {
	return func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
		if t.Name == name {
			return nil, errors.New(reason)
		}
		return req, nil
	}
}

// B79
func TestGuardsAreAskedForEveryTarget(t *testing.T) {
	var asked []string
	config := router.Config{Guards: []guard.Guard{
		func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
			asked = append(asked, t.Name)
			return req, nil
		},
		except("first", "not for this tenant"),
	}}
	first, second := llmtest.NewModel("first", llmtest.Text("x")), llmtest.NewModel("second", llmtest.Text("second"))
	got := ask(t.Context(), router.MustFallback(config, first, second), false)
	if diff := cmp.Diff([]string{"first", "second"}, asked); diff != "" || len(first.Requests()) > 0 {
		t.Errorf("%d calls of the first model; guards asked (-want +got):\n%s", len(first.Requests()), diff)
	}
	skipped := got.metadata().Attempts[0]
	if skipped.Outcome != call.Skipped || skipped.Reason != "not for this tenant" {
		t.Errorf("attempt %+v, want it skipped with the reason", skipped)
	}
	panicking := router.Config{Guards: []guard.Guard{func(context.Context, *model.LLMRequest, guard.Target) (*model.LLMRequest, error) { panic("boom") }}}
	if got := ask(t.Context(), router.MustFallback(panicking, first), false); got.err == nil || len(first.Requests()) > 0 {
		t.Errorf("error %v, want a refusal by the guard that panics", got.err)
	}
}

// The refusal keeps the words of the guard, and the guards know a target by its traits,
// in whatever group it is. B79
func TestGuardsKnowTheTraitsOfTargets(t *testing.T) {
	us := router.Describe(llmtest.NewModel("us", llmtest.Text("us")), router.Traits{Region: "us-east1", Aliases: []string{"america"}, Capabilities: []string{}, ContextWindow: 7})
	eu := router.Describe(llmtest.NewModel("eu", llmtest.Text("eu")), router.Traits{Region: "europe-west4"})
	var told []guard.Target
	guards := router.Config{Guards: []guard.Guard{
		func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
			told = append(told, t)
			return req, nil
		},
		guard.Compliance(guard.Rule{Regions: []string{"Europe-*"}}),
	}}
	for name, m := range map[string]model.LLM{
		"fallback": router.MustFallback(guards, us, eu, degrade.MustTemplate(degrade.TemplateConfig{Text: "sorry"})),
		"nested":   router.MustFallback(guards, router.MustFallback(router.Config{}, us, eu)),
		"hedge":    router.MustFallback(guards, router.MustHedge(router.HedgeConfig{}, us, eu)),
	} {
		told = nil
		got := ask(t.Context(), m, false)
		if got.stream != "[eu]" {
			t.Errorf("%s: the consumer saw %q (%v), want eu", name, got.stream, got.err)
		}
		want := []guard.Target{{Name: "us", Region: "us-east1", Aliases: []string{"america"}, Capabilities: []string{}, ContextWindow: 7}, {Name: "eu", Region: "europe-west4", Fallback: true}}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("%s: the guards were told (-want +got):\n%s", name, diff)
		}
		if reason := got.metadata().Attempts[0].Reason; reason != "compliance: data may not go there" {
			t.Errorf("%s: reason %q", name, reason)
		}
	}
	_, err := final(router.MustFallback(guards, us).GenerateContent(t.Context(), &model.LLMRequest{}, false))
	if refused, ok := errors.AsType[*middleware.RefusedError](err); !ok || refused.By != "compliance" || refused.Model != "us" {
		t.Errorf("error %v, want the refusal of us by compliance", err)
	}
}

func final(answer func(func(*model.LLMResponse, error) bool)) (resp *model.LLMResponse, err error) {
	answer(func(r *model.LLMResponse, e error) bool {
		resp, err = r, e
		return true
	})
	return resp, err
}

// A template is no model that data goes to. B79, B87
func TestGuardsLetLastResortsAnswer(t *testing.T) {
	m := router.MustFallback(router.Config{Guards: []guard.Guard{
		guard.Compliance(guard.Rule{Regions: []string{"europe-*"}}), guard.Tenants("acme"), guard.Tools(), guard.Redact,
	}}, llmtest.NewModel("us", llmtest.Text("us")), degrade.MustTemplate(degrade.TemplateConfig{Text: "sorry"}))
	req := &model.LLMRequest{Contents: []*genai.Content{{Parts: []*genai.Part{{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("x")}}}}}}
	if resp, err := final(m.GenerateContent(t.Context(), req, false)); err != nil || resp.Content.Parts[0].Text != "sorry" {
		t.Errorf("%v, %v; want the template", resp, err)
	}
}

// written counts how often it is made JSON.
type written struct{ times *atomic.Int32 }

func (w written) MarshalJSON() ([]byte, error) {
	w.times.Add(1)
	return json.Marshal("ann@example.org")
}

// Each of the targets needs the redacted request, also those of a hedge, which have
// copies of it, and under guards that give each another copy. B131
func TestARequestIsRedactedOncePerCall(t *testing.T) {
	down := func(name string) *llmtest.Model { return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable)) }
	redacted := router.Config{Guards: []guard.Guard{guard.Tools("f"), guard.Compliance(guard.Rule{Targets: []string{"trusted"}, Redact: true})}}
	for name, build := range map[string]func(a, b, c model.LLM) model.LLM{
		"fallback": func(a, b, c model.LLM) model.LLM { return router.MustFallback(redacted, a, b, c) },
		"nested": func(a, b, c model.LLM) model.LLM {
			return router.MustFallback(redacted, router.MustFallback(router.Config{}, a, b), c)
		},
		"hedge": func(a, b, c model.LLM) model.LLM {
			return router.MustFallback(redacted, router.MustHedge(router.HedgeConfig{Delay: time.Nanosecond, MaxExtraLoad: 1}, a, b), c)
		},
		"a timeout in a hedge": func(a, b, c model.LLM) model.LLM {
			timeout := middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: time.Hour})
			return router.MustFallback(redacted, router.MustHedge(router.HedgeConfig{Delay: time.Nanosecond, MaxExtraLoad: 1}, timeout(a), timeout(b)), timeout(c))
		},
	} {
		a, b, c := down("a"), down("b"), down("c")
		times := new(atomic.Int32)
		req := &model.LLMRequest{
			Contents: []*genai.Content{
				{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "hi"}}},
				{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{Name: "f"}}}},
				{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "f", Response: map[string]any{"mail": written{times}}}}}},
			},
			Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "f"}, {Name: "g"}}}}},
		}
		_, err := final(build(a, b, c).GenerateContent(t.Context(), req, false))
		if n := times.Load(); n != 1 {
			t.Errorf("%s: redacted %d times, want once (%v)", name, n, err)
		}
		for _, m := range []*llmtest.Model{a, b, c} {
			if len(m.Requests()) == 0 {
				t.Fatalf("%s: %s was not called", name, m.Name())
			}
			for _, seen := range m.Requests() {
				if got := seen.Contents[2].Parts[0].FunctionResponse.Response["mail"]; got != "[redacted]" || len(seen.Config.Tools[0].FunctionDeclarations) != 1 {
					t.Errorf("%s: %s saw %v and the tools %v", name, m.Name(), got, seen.Config.Tools[0].FunctionDeclarations)
				}
			}
		}
	}
}
