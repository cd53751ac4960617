package policy_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

const classified = `
primary: a
fallbacks: [{name: b}]
context: {data_class: class}
compliance: {rules: [{data_classes: [pii], targets: [b]}]}
`

// wrapped is a model of the application's own around another one.
type wrapped struct {
	model.LLM
	derive func(context.Context) (context.Context, context.CancelFunc)
}

func (w wrapped) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		ctx, cancel := w.derive(ctx)
		defer cancel()
		w.LLM.GenerateContent(ctx, req, streamed)(yield)
	}
}

// The facts of the session reach a policy wherever it stands in an agent's model:
// what a class of data may not see, it does not see. B79
func TestFactsReachANestedPolicy(t *testing.T) {
	down := func() *llmtest.Model { return llmtest.NewModel("down", llmtest.Fail(llmtest.ErrUnavailable)) }
	for _, test := range []struct {
		name string
		// in returns an agent's model with m in it, and the plugins of its runner.
		in func(m model.LLM) (model.LLM, []*plugin.Plugin)
	}{
		{"alone", func(m model.LLM) (model.LLM, []*plugin.Plugin) { return m, nil }},
		{"behind a retry", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return middleware.Chain(m, middleware.MustRetry(middleware.RetryConfig{})), nil
		}},
		{"behind a timeout", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return middleware.Chain(m, middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Minute})), nil
		}},
		{"first in a fallback", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return router.MustFallback(router.Config{}, m, down()), nil
		}},
		{"second in a fallback", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return router.MustFallback(router.Config{}, down(), m), nil
		}},
		{"first in a hedge", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return router.MustHedge(router.HedgeConfig{Delay: time.Minute}, m, down()), nil
		}},
		{"second in a hedge", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return router.MustHedge(router.HedgeConfig{Delay: time.Millisecond, MaxExtraLoad: 1}, down(), m), nil
		}},
		{"in another policy", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return build(t, "primary: down\nfallbacks: [{name: inner}]\nretry: {base_delay: 1ms, max_delay: 1ms}\ntimeouts: {total: 1m}", policy.Models{"down": down(), "inner": m}), nil
		}},
		{"as Recover of the plugin", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return down(), []*plugin.Plugin{fallback.MustNew(fallback.Config{Recover: m, ErrorCodes: []any{503}})}
		}},
		{"as Recover behind a retry", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			m = middleware.Chain(m, middleware.MustRetry(middleware.RetryConfig{}))
			return down(), []*plugin.Plugin{fallback.MustNew(fallback.Config{Recover: m, ErrorCodes: []any{503}})}
		}},
		{"in a model that tells more of the call", func(m model.LLM) (model.LLM, []*plugin.Plugin) {
			return wrapped{m, func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(call.With(ctx, call.Info{Tenant: "acme"}), time.Minute)
			}}, nil
		}},
	} {
		for _, streamed := range []bool{false, true} {
			for class, want := range map[string]string{"pii": "b", "public": "a"} {
				m, plugins := test.in(build(t, classified, named("a", "b")))
				got, err := answerOf(t, t.Context(), m, plugins, streamed, map[string]any{"class": class})
				if got != want {
					t.Errorf("%s, streamed %v, class %s: %q answered (%v), want %s", test.name, streamed, class, got, err, want)
				}
			}
		}
	}
}

// An inner policy reads what it names itself; what the outer one has read is told
// already.
func TestEachPolicyReadsItsOwnFacts(t *testing.T) {
	inner := build(t, classified, named("a", "b"))
	outer := build(t, "primary: inner\ncontext: {tenant: owner, labels: {plan: plan}}\nbudgets: {tenants: {acme: {usd_per_day: 1}}}\nmodels: {inner: {price: {input: 1, output: 1}}}", policy.Models{"inner": inner})
	got, err := answerOf(t, t.Context(), outer, nil, false, map[string]any{"class": "pii", "owner": "acme"})
	if got != "b" {
		t.Errorf("%q answered (%v), want b", got, err)
	}
}

// A fact that nobody can read is not taken for one that forbids nothing: the
// rules that ask for it hold. B79
func TestComplianceFailsClosedWithoutTheSession(t *testing.T) {
	hidden := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Minute) // no longer ADK's, and none of ours has seen that one
	}
	t.Run("outside of ADK", func(t *testing.T) {
		m := build(t, classified, named("a", "b"))
		got := ask(t.Context(), m, false)
		if want := "compliance: data whose class cannot be read from the session may not go there"; got.text != "b" || reasonOf(got, "a") != want {
			t.Errorf("%q answered because %q; want b, %q", got.text, reasonOf(got, "a"), want)
		}
		if got := ask(call.With(t.Context(), call.Info{DataClass: "public"}), m, false); got.text != "a" {
			t.Errorf("%q answered, want a: the application has told the class", got.text)
		}
	})
	t.Run("in a context of the application's own", func(t *testing.T) {
		got, err := answerOf(t, t.Context(), wrapped{build(t, classified, named("a", "b")), hidden}, nil, false, map[string]any{"class": "public"})
		if got != "b" {
			t.Errorf("%q answered (%v), want b", got, err)
		}
	})
	t.Run("a class that is no text", func(t *testing.T) {
		for want, class := range map[string]any{"b": []string{"pii"}, "a": nil} {
			if got, err := answerOf(t, t.Context(), build(t, classified, named("a", "b")), nil, false, map[string]any{"class": class}); got != want {
				t.Errorf("class %v: %q answered (%v), want %s", class, got, err, want)
			}
		}
		if got, err := answerOf(t, t.Context(), build(t, classified, named("a", "b")), nil, false, nil); got != "a" {
			t.Errorf("%q answered (%v), want a: a session without a class", got, err)
		}
	})
	t.Run("tenant and region", func(t *testing.T) {
		for fact, rule := range map[string]string{"tenant": "tenants", "region": "data_regions"} {
			text := strings.NewReplacer("data_class:", fact+":", "data_classes:", rule+":").Replace(classified)
			m := build(t, text, named("a", "b"))
			if got := ask(t.Context(), m, false); got.text != "b" {
				t.Errorf("%s: %q answered, want b", fact, got.text)
			}
			if got := ask(call.With(t.Context(), call.Info{Tenant: "x", Region: "x"}), m, false); got.text != "a" {
				t.Errorf("%s told: %q answered, want a", fact, got.text)
			}
		}
	})
	t.Run("facts that the policy does not expect of a session", func(t *testing.T) {
		m := build(t, strings.Replace(classified, "data_class: class", "tenant: owner", 1), named("a", "b"))
		if got := ask(t.Context(), m, false); got.text != "a" {
			t.Errorf("%q answered, want a: nobody has told a class", got.text)
		}
	})
	t.Run("redaction", func(t *testing.T) {
		a := llmtest.NewModel("a", llmtest.Text("ok"))
		m := build(t, strings.Replace(classified, "targets: [b]", "targets: [b], otherwise: redact", 1), models(a, llmtest.NewModel("b", llmtest.Text("b"))))
		req := &model.LLMRequest{Contents: genai.Text("I am ann@example.org")}
		if got := askFor(t.Context(), m, false, req); got.text != "ok" || a.Requests()[0].Contents[0].Parts[0].Text != "I am [redacted]" {
			t.Errorf("%q answered (%v), want a, without the address", got.text, got.err)
		}
	})
}
