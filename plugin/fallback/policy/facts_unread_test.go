package policy_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// numbered answers with its name and how often it has been asked.
func numbered(name string) *llmtest.Model {
	n := 0
	return llmtest.NewModel(name, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		n++
		llmtest.Text(fmt.Sprint(name, n))(ctx, req, stream, yield)
	})
}

// Callers of whom nobody knows whether they are the same share no answers: each
// is asked for, and what is kept is not given to them. B79, B86
func TestUnreadFactsShareNoAnswers(t *testing.T) {
	const secret = "context: {data_class: class}\ncompliance: {rules: [{data_classes: [secret], targets: [b]}]}"
	for _, test := range []struct {
		name, text string
		key        string // of the session's state
		values     []any
		want       []string
	}{
		{"a tenant", "context: {tenant: owner}", "owner", []any{[]string{"x"}, []string{"y"}, "x", "x", nil, nil}, []string{"a1", "a2", "a3", "a3", "a4", "a4"}},
		{"a class, under rules", secret, "class", []any{"public", []string{"public"}, []string{"public"}, "public"}, []string{"a1", "b", "b", "a1"}},
		{"a class that was kept of a session without one", secret, "class", []any{nil, []string{"secret"}}, []string{"a1", "b"}},
		{
			"a region, under rules", "context: {region: where}\ncompliance: {rules: [{data_regions: [eu], targets: [b]}]}",
			"where", []any{nil, []string{"eu"}}, []string{"a1", "b"},
		},
		{"a class, without rules", "context: {data_class: class}", "class", []any{nil, []string{"x"}}, []string{"a1", "a1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := live(t, "primary: a\nfallbacks: [{name: b}]\ncache: {}\n"+test.text, models(numbered("a"), llmtest.NewModel("b", llmtest.Text("b"))))
			var got []string
			for _, value := range test.values {
				answer, err := answerOf(t, t.Context(), l.Model(), nil, false, map[string]any{test.key: value})
				if err != nil {
					t.Errorf("%v: %v", value, err)
				}
				got = append(got, answer)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}

// No budget pays for a tenant that nobody can read: not that of the calls without
// a tenant, and not none. B79
func TestUnreadTenantIsRefusedWhereTenantsHaveBudgets(t *testing.T) {
	for _, limits := range []string{"tenants: {acme: {usd_per_day: 1}}", "usd_per_day: 1"} {
		m := build(t, "primary: a\nfallbacks: [{name: b}]\ncontext: {tenant: owner}\nbudgets: {"+limits+"}"+priced, named("a", "b"))
		_, err := answerOf(t, t.Context(), m, nil, false, map[string]any{"owner": []string{"acme"}})
		if refused := (*middleware.RefusedError)(nil); !errors.As(err, &refused) || refused.By != "budget" {
			t.Errorf("%s: %v; want a refusal of the budget", limits, err)
		}
		for _, owner := range []any{"acme", "other", nil} {
			if got, err := answerOf(t, t.Context(), m, nil, false, map[string]any{"owner": owner}); got != "a" {
				t.Errorf("%s: owner %v: %q answered (%v), want a", limits, owner, got, err)
			}
		}
		if got := ask(call.With(t.Context(), call.Info{Tenant: "acme"}), m, false); got.text != "a" {
			t.Errorf("%s: %q answered (%v), want a: the application has told the tenant", limits, got.text, got.err)
		}
	}
	m := build(t, "primary: a\ncontext: {tenant: owner}\nbudgets: {max_output_tokens: 100}", named("a"))
	if got := ask(t.Context(), m, false); got.text != "a" {
		t.Errorf("%q answered (%v), want a: no dollars are bounded", got.text, got.err)
	}
}

// A policy within another one knows what that one could not read, whether or not
// it reads facts of its own, until somebody tells them. B79
func TestNestedPolicyKnowsWhatTheOuterOneCouldNotRead(t *testing.T) {
	const rules = "primary: a\nfallbacks: [{name: b}]\ncompliance: {rules: [{tenants: [acme], targets: [b]}]}\n"
	told := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return call.With(ctx, call.Info{Tenant: "other"}), func() {}
	}
	for _, test := range []struct{ name, context, want string }{
		{"without facts of its own", "", "b"},
		{"with a fact of its own", "context: {data_class: class}", "b"},
		{"with one that it cannot read either", "context: {data_class: parts}", "b"},
		{"with the tenant under another key", "context: {tenant: payer}", "a"},
		{"with the tenant under a key that is not there", "context: {tenant: nobody}", "b"},
	} {
		inner := build(t, rules+test.context, named("a", "b"))
		state := map[string]any{"owner": []string{"acme"}, "parts": []string{"x"}, "class": "public", "payer": "other"}
		outer := build(t, "primary: inner\ncontext: {tenant: owner}", policy.Models{"inner": inner})
		if got, err := answerOf(t, t.Context(), outer, nil, false, state); got != test.want {
			t.Errorf("%s: %q answered (%v), want %s", test.name, got, err, test.want)
		}
		outer = build(t, "primary: inner\ncontext: {tenant: owner}", policy.Models{"inner": wrapped{inner, told}})
		if got, err := answerOf(t, t.Context(), outer, nil, false, state); got != "a" {
			t.Errorf("%s, told in between: %q answered (%v), want a", test.name, got, err)
		}
	}
}

// So it is for each fact, whichever other one the inner policy cannot read
// either. B79
func TestNestedPolicyKnowsEachUnreadFact(t *testing.T) {
	for _, test := range []struct{ fact, rule, other string }{
		{"tenant", "tenants", "region"}, {"data_class", "data_classes", "tenant"}, {"region", "data_regions", "tenant"},
	} {
		inner := build(t, "primary: a\nfallbacks: [{name: b}]\ncontext: {"+test.other+": other}\ncompliance: {rules: [{"+test.rule+": [x], targets: [b]}]}", named("a", "b"))
		for told, want := range map[string]string{"": "b", "y": "a"} {
			between := wrapped{inner, func(ctx context.Context) (context.Context, context.CancelFunc) {
				return call.With(ctx, call.Info{Tenant: told, DataClass: told, Region: told}), func() {}
			}}
			outer := build(t, "primary: inner\ncontext: {"+test.fact+": parts}", policy.Models{"inner": between})
			state := map[string]any{"parts": []string{"x"}, "other": []string{"x"}}
			if got, err := answerOf(t, t.Context(), outer, nil, false, state); got != want {
				t.Errorf("%s, told %q: %q answered (%v), want %s", test.fact, told, got, err, want)
			}
		}
	}
}
