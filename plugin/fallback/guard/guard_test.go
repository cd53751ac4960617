package guard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

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

func pass(_ context.Context, req *model.LLMRequest, _ guard.Target) (*model.LLMRequest, error) {
	return req, nil
}

// rename returns a guard that adds to the name in a request's copy.
func rename(suffix string) guard.Guard {
	return func(_ context.Context, req *model.LLMRequest, _ guard.Target) (*model.LLMRequest, error) {
		own := *req
		own.Model += suffix
		return &own, nil
	}
}

func TestAllRunsGuardsInOrder(t *testing.T) {
	req := &model.LLMRequest{Model: "m"}
	seen, err := guard.All(rename("1"), pass, rename("2"))(t.Context(), req, guard.Target{})
	if err != nil || seen.Model != "m12" || req.Model != "m" {
		t.Errorf("%v, %v; want m12, and the caller's request as it was", seen, err)
	}
	if seen, err := guard.All()(t.Context(), req, guard.Target{}); seen != req || err != nil {
		t.Errorf("no guards: %v, %v", seen, err)
	}
}

// A refusal names the target, unless the guard names another; the guard's own error stays
// as it is.
func TestARefusalNamesTheTarget(t *testing.T) {
	own := &middleware.RefusedError{By: "mine", Reason: "no"}
	for want, err := range map[string]error{"local": own, "other": &middleware.RefusedError{Model: "other"}, "flash": errors.New("no")} {
		broken := func(context.Context, *model.LLMRequest, guard.Target) (*model.LLMRequest, error) { return nil, err }
		target := guard.Target{Name: want}
		if want == "other" {
			target.Name = "flash"
		}
		_, got := guard.All(broken)(t.Context(), &model.LLMRequest{}, target)
		if refused, ok := errors.AsType[*middleware.RefusedError](got); !ok || refused.Model != want {
			t.Errorf("%v, want a refusal of %s", got, want)
		}
	}
	if own.Model != "" {
		t.Errorf("the guard's error is now %v", own)
	}
}

// A guard that is broken lets nothing through. B79, B80
func TestABrokenGuardRefuses(t *testing.T) {
	for want, broken := range map[string]guard.Guard{
		"the guard panicked: a value of type string": func(context.Context, *model.LLMRequest, guard.Target) (*model.LLMRequest, error) { panic("boom") },
		"the guard returned no request":              func(context.Context, *model.LLMRequest, guard.Target) (*model.LLMRequest, error) { return nil, nil },
		"not today": func(context.Context, *model.LLMRequest, guard.Target) (*model.LLMRequest, error) {
			return nil, errors.New("not today")
		},
		"the guard panicked: runtime error": nil,
	} {
		for name, g := range map[string]guard.Guard{"alone": guard.All(broken), "among others": guard.All(pass, broken, pass)} {
			if got := reason(t, t.Context(), g, &model.LLMRequest{}, guard.Target{}); !strings.HasPrefix(got, "guard: "+want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

// One refusal that a guard returns again and again is not written to.
func TestARefusalBelongsToItsCall(t *testing.T) {
	shared := &middleware.RefusedError{By: "mine", Reason: "closed"}
	closed := func(context.Context, *model.LLMRequest, guard.Target) (*model.LLMRequest, error) {
		return nil, fmt.Errorf("wrapped: %w", shared)
	}
	for _, name := range []string{"a", "b"} {
		_, err := answer(t.Context(), guard.Around(llmtest.NewModel(name, llmtest.Text("x")), guard.Target{}, closed), &model.LLMRequest{})
		want := &middleware.RefusedError{By: "mine", Model: name, Reason: "closed"}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if shared.Model != "" {
		t.Errorf("the guard's own error was written to: %v", shared)
	}
}

func answer(ctx context.Context, m model.LLM, req *model.LLMRequest) (text string, err error) {
	for resp, err := range m.GenerateContent(ctx, req, false) {
		if err != nil {
			return "", err
		}
		text = resp.Content.Parts[0].Text
	}
	return text, nil
}

func TestAroundTellsTheTarget(t *testing.T) {
	var told guard.Target
	spy := func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
		told = t
		return req, nil
	}
	a := llmtest.NewModel("a", llmtest.Text("a"))
	template := degrade.MustTemplate(degrade.TemplateConfig{Text: "sorry"})
	for name, test := range map[string]struct {
		m         model.LLM
		given     guard.Target
		requested string
		want      guard.Target
	}{
		"its own name":      {a, guard.Target{Region: "eu"}, "", guard.Target{Name: "a", Region: "eu"}},
		"a label":           {a, guard.Target{Name: "label", Aliases: []string{"a"}}, "a", guard.Target{Name: "label", Aliases: []string{"a"}}},
		"another model":     {a, guard.Target{Aliases: []string{"b"}, Region: "eu"}, "other", guard.Target{Name: "other", Region: "eu"}},
		"by an alias":       {a, guard.Target{Aliases: []string{"b"}}, "B", guard.Target{Name: "a", Aliases: []string{"b"}}},
		"a last resort":     {template, guard.Target{}, "", guard.Target{Name: template.Name(), LastResort: true}},
		"a router's member": {router.MustFallback(router.Config{}, a, template), guard.Target{Name: "group"}, template.Name(), guard.Target{Name: "group"}},
	} {
		req := &model.LLMRequest{Model: test.requested}
		if _, err := answer(t.Context(), guard.Around(test.m, test.given, spy), req); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, told); diff != "" {
			t.Errorf("%s: the guard was told (-want +got):\n%s", name, diff)
		}
	}
}

// A guard by the name of a target holds for whatever model the request names. B79, B114
func TestAroundGuardsTheModelThatIsCalled(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Text("a"))
	m := guard.Around(a, guard.Target{}, guard.Compliance(guard.Rule{Targets: []string{"a"}}))
	for requested, want := range map[string]int{"other": 0, "": 1, "a": 1} {
		before := len(a.Requests())
		_, err := answer(t.Context(), m, &model.LLMRequest{Model: requested})
		if got := len(a.Requests()) - before; got != want {
			t.Errorf("%q: %d calls (%v), want %d", requested, got, err, want)
		}
	}
}

// A model that is refused is not called, and its breaker knows nothing of it; the next one
// answers, and the record says why. B79
func TestARouterPassesOverAGuardedModel(t *testing.T) {
	a, b := llmtest.NewModel("a", llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b"))
	breaker := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})
	m := router.MustFallback(router.Config{}, guard.Around(breaker(a), guard.Target{}, guard.Tenants("acme")), b)
	for tenant, want := range map[string]string{"acme": "a", "other": "b"} {
		for range 2 {
			ctx := call.With(t.Context(), call.Info{Tenant: tenant})
			for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{}, false) {
				if err != nil || resp.Content.Parts[0].Text != want {
					t.Fatalf("%s: %v, %v; want %s", tenant, resp, err, want)
				}
				if md, _ := call.ReadResponse(resp); tenant == "other" && md.Attempts[0].Reason != "it is not for this tenant" {
					t.Errorf("attempts %+v", md.Attempts)
				}
			}
		}
	}
}

// A refusal of a group does not keep its answer of last resort from being given. B111
func TestAroundAGroupLetsItsLastResortAnswer(t *testing.T) {
	group := router.MustFallback(router.Config{}, llmtest.NewModel("a", llmtest.Text("a")), degrade.MustTemplate(degrade.TemplateConfig{Text: "sorry"}))
	m := router.MustFallback(router.Config{}, guard.Around(group, guard.Target{}, guard.Tenants("acme")), llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable)))
	if got, err := answer(t.Context(), m, &model.LLMRequest{}); got != "sorry" {
		t.Errorf("%q, %v; want the template", got, err)
	}
}

// What answers without a model sees any request whole. B79, B87
func TestNoPartRefusesALastResort(t *testing.T) {
	req := ofParts(withFile("image/png"))
	req.Tools = map[string]any{"f": 1}
	for name, g := range map[string]guard.Guard{
		"compliance": guard.Compliance(guard.Rule{}), "redact": guard.Redact, "tenants": guard.Tenants(), "tools": guard.Tools(), "capabilities": guard.Capabilities, "window": guard.ContextWindow,
	} {
		if seen, err := g(t.Context(), req, guard.Target{LastResort: true, Capabilities: []string{}, ContextWindow: 1}); seen != req || err != nil {
			t.Errorf("%s: %v, %v", name, seen, err)
		}
	}
}

func TestAroundNothingPanics(t *testing.T) {
	defer func() {
		if p := recover(); p != "guard: Around: the model is nil" {
			t.Errorf("panic %v", p)
		}
	}()
	guard.Around((*llmtest.Model)(nil), guard.Target{})
}

// ADK asks a model for optional methods.
func TestAroundForwardsOptionalMethods(t *testing.T) {
	if _, ok := guard.Around(llmtest.NewModel("a", llmtest.Text("x")), guard.Target{}).(interface{ GetGoogleLLMVariant() genai.Backend }); ok {
		t.Error("a model without a variant has one")
	}
	if _, ok := guard.Around(gemini{llmtest.NewModel("a", llmtest.Text("x"))}, guard.Target{}).(interface{ GetGoogleLLMVariant() genai.Backend }); !ok {
		t.Error("the variant is hidden")
	}
}

type gemini struct{ *llmtest.Model }

func (gemini) GetGoogleLLMVariant() genai.Backend { return genai.BackendGeminiAPI }

func Example() {
	flash := llmtest.NewModel("flash", llmtest.Text("Hello from flash."))
	eu := router.Describe(llmtest.NewModel("mistral", llmtest.Text("Hello from the EU.")), router.Traits{Region: "europe-west4"})
	m, err := router.NewFallback(router.Config{Guards: []guard.Guard{
		guard.Compliance(guard.Rule{DataClasses: []string{"pii"}, Regions: []string{"europe-*"}}),
		guard.ContextWindow,
	}}, flash, eu)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, class := range []string{"public", "PII"} {
		ctx := call.With(context.Background(), call.Info{DataClass: class})
		text, err := answer(ctx, m, &model.LLMRequest{Contents: genai.Text("hi")})
		fmt.Println(class, text, err)
	}
	// Output:
	// public Hello from flash. <nil>
	// PII Hello from the EU. <nil>
}

func ExampleAround() {
	gpt := guard.Around(llmtest.NewModel("gpt-4o", llmtest.Text("ok")), guard.Target{Region: "us", Capabilities: []string{"tools"}},
		guard.Tenants("acme"), guard.Capabilities, guard.Redact, guard.Tools("search"))
	_, err := answer(context.Background(), gpt, &model.LLMRequest{Contents: genai.Text("hi")})
	fmt.Println(err)
	// Output: middleware: tenant refused gpt-4o: the tenant of the call is not known
}

func ExampleAll() {
	notAtNight := func(_ context.Context, req *model.LLMRequest, t guard.Target) (*model.LLMRequest, error) {
		return nil, &middleware.RefusedError{By: "hours", Reason: t.Name + " is closed"}
	}
	_, err := guard.All(guard.ContextWindow, notAtNight)(context.Background(), &model.LLMRequest{}, guard.Target{Name: "local"})
	fmt.Println(err)
	// Output: middleware: hours refused local: local is closed
}

func ExampleWithUnread() {
	rules := guard.Compliance(guard.Rule{DataClasses: []string{"pii"}, Targets: []string{"trusted"}})
	ctx := guard.WithUnread(context.Background(), guard.DataClass) // the session's store is down
	_, err := rules(ctx, &model.LLMRequest{}, guard.Target{Name: "gpt-4o"})
	fmt.Println(err)
	// Output: middleware: compliance refused gpt-4o: compliance: data whose class cannot be read from the session may not go there
}
