package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// live builds a policy that can be replaced, and closes it with the test.
func live(t *testing.T, text string, opts ...policy.Option) *policy.Live {
	t.Helper()
	l, err := policy.NewLive(t.Context(), parsed(t, text), append([]policy.Option{quiet}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// cacheStatuses makes a call for each caller and returns the cache_status of each.
func cacheStatuses(t *testing.T, m model.LLM, callers ...call.Info) (statuses []string) {
	t.Helper()
	for _, info := range callers {
		got := ask(call.With(t.Context(), info), m, false)
		if got.err != nil {
			t.Errorf("%+v: %v", info, got.err)
		}
		statuses = append(statuses, got.md.CacheStatus)
	}
	return statuses
}

// cache: cached answers are returned without a call, within the same scope only. B85, B86
func TestScopeOfTheCache(t *testing.T) {
	for _, test := range []struct {
		name, text string
		callers    []call.Info
		want       []string
	}{
		{
			"a tenant's", "cache: {scope: tenant}",
			[]call.Info{{Tenant: "x", User: "1"}, {Tenant: "x", User: "2"}, {Tenant: "y", User: "1"}},
			[]string{"miss", "hit", "miss"},
		},
		{
			"a user's", "cache: {scope: user}",
			[]call.Info{{Tenant: "x", User: "1"}, {Tenant: "x", User: "1"}, {Tenant: "x", User: "2"}, {Tenant: "y", User: "1"}, {Tenant: "x", User: "1", App: "other"}},
			[]string{"miss", "hit", "miss", "miss", "miss"},
		},
		{
			"of nobody who is known", "cache: {scope: user}",
			[]call.Info{{Session: "1"}, {Session: "1"}, {Session: "2"}, {User: "1"}, {}, {}},
			[]string{"miss", "hit", "miss", "miss", "bypass", "bypass"},
		},
		{
			"of names that run into each other", "cache: {scope: user}",
			[]call.Info{{Tenant: "t", User: "\x00u"}, {Tenant: "t\x00", User: "u"}},
			[]string{"miss", "miss"},
		},
		{
			"any class of data, without rules", "cache: {}",
			[]call.Info{{DataClass: "pii"}, {DataClass: "public"}, {Region: "eu"}},
			[]string{"miss", "hit", "hit"},
		},
		{
			"a class of data and a region, under rules", "cache: {}\ncompliance: {rules: [{data_classes: [secret], targets: [b]}]}",
			[]call.Info{{DataClass: "pii"}, {DataClass: "pii"}, {DataClass: "public"}, {Region: "eu"}, {Region: "us"}, {Region: "us"}},
			[]string{"miss", "hit", "miss", "miss", "miss", "hit"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := live(t, "primary: a\nfallbacks: [{name: b}]\n"+test.text, named("a", "b"))
			if diff := cmp.Diff(test.want, cacheStatuses(t, l.Model(), test.callers...)); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
		})
	}
}

// A caller whose data a model may not see gets no answer of that model to another caller.
// B79
func TestCachedAnswersObeyCompliance(t *testing.T) {
	l := live(t, "primary: a\nfallbacks: [{name: b}]\ncache: {}\ncompliance: {rules: [{data_classes: [pii], targets: [b]}]}", named("a", "b"))
	if got := ask(t.Context(), l.Model(), false); got.text != "a" {
		t.Fatalf("%q, %v", got.text, got.err)
	}
	for range 2 {
		if got := ask(call.With(t.Context(), call.Info{DataClass: "pii"}), l.Model(), false); got.text != "b" {
			t.Errorf("pii: %q (%s), want b's answer", got.text, got.md.CacheStatus)
		}
	}
}

// A reload keeps cached answers that the new policy could give too. B86
func TestAnswersOverAReload(t *testing.T) {
	const model, rules = "models: {a: {provider: gemini, %s}}", "compliance: {rules: [{data_classes: [pii], targets: [a], otherwise: %s}]}"
	for name, test := range map[string]struct {
		before, after, want string
	}{
		"unchanged":      {"", "", "hit"},
		"other sections": {"timeouts: {total: 1m}", "retry: {}", "hit"},
		"its own":        {"", "cache: {ttl: 2m}", "miss"},
		"id":             {fmt.Sprintf(model, "id: one"), fmt.Sprintf(model, "id: two"), "miss"},
		"family":         {fmt.Sprintf(model, "id: one, family: f"), fmt.Sprintf(model, "id: one, family: g"), "miss"},
		"id in a family": {fmt.Sprintf(model, "id: one, family: f"), fmt.Sprintf(model, "id: two, family: f"), "hit"},
		"provider":       {fmt.Sprintf(model, "id: one"), "models: {a: {provider: vertexai, id: one}}", "miss"},
		"base URL":       {fmt.Sprintf(model, "base_url: https://one.example"), fmt.Sprintf(model, "base_url: https://two.example"), "miss"},
		"temperature":    {fmt.Sprintf(model, "config: {temperature: 0}"), fmt.Sprintf(model, "config: {temperature: 1}"), "miss"},
		"longest answer": {"budgets: {max_output_tokens: 10}", "budgets: {max_output_tokens: 20}", "miss"},
		"redaction":      {fmt.Sprintf(rules, "deny"), fmt.Sprintf(rules, "redact"), "miss"},
		"price":          {fmt.Sprintf(model, "price: {input: 1, output: 1}"), fmt.Sprintf(model, "price: {input: 2, output: 2}"), "hit"},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(more string) string {
				if !strings.Contains(more, "cache:") {
					more += "\ncache: {ttl: 1m}"
				}
				return "primary: a\n" + more
			}
			l := live(t, text(test.before), named("a"))
			before := ask(t.Context(), l.Model(), false)
			if err := l.Replace(t.Context(), parsed(t, text(test.after))); err != nil {
				t.Fatal(err)
			}
			if got := ask(t.Context(), l.Model(), false); before.md.CacheStatus != "miss" || got.md.CacheStatus != test.want {
				t.Errorf("%s, then %s; want miss, then %s", before.md.CacheStatus, got.md.CacheStatus, test.want)
			}
		})
	}
}

// experiments: each arm has its own answers, and a hit names its cohort. B86
func TestArmsShareNoAnswers(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: c}]\ncache: {}\nexperiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%, cohort: new}]}}"
	l := live(t, text, named("a", "b", "c"))
	var got []string
	for i := range 100 {
		r := ask(call.With(t.Context(), call.Info{User: fmt.Sprint("u", i)}), l.Model(), i%2 == 0)
		got = append(got, strings.Join([]string{r.text, r.md.ExperimentID, r.md.Cohort, r.md.CacheStatus}, ", "))
	}
	slices.Sort(got)
	want := []string{"a, x, a, hit", "a, x, a, miss", "b, x, new, hit", "b, x, new, miss"}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if err := l.Replace(t.Context(), parsed(t, strings.Replace(text, "b, share: 50%", "c, share: 50%", 1))); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		got := ask(call.With(t.Context(), call.Info{User: fmt.Sprint("u", i)}), l.Model(), false)
		if want := map[string]string{"a": "a", "new": "c"}[got.md.Cohort]; got.text != want {
			t.Errorf("cohort %s: %q, want %q", got.md.Cohort, got.text, want)
		}
	}
}

// degrade.cached_max_age is independent of the TTL.
func TestAgeOfACachedAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		cache string
		age   time.Duration
	}{
		"within the default TTL": {"", 10 * time.Second},
		"beyond the TTL":         {"cache: {ttl: 1ms}", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			for _, condition := range []string{"cache_hit", "true"} {
				synctest.Test(t, func(t *testing.T) {
					a := llmtest.NewModel("a", llmtest.Text("answer"), llmtest.Fail(llmtest.ErrUnavailable))
					l := live(t, fmt.Sprintf("primary: a\nfallbacks: [{name: cached-answer, condition: %q}, {name: template-response}]\ndegrade: {cached_max_age: %s}\n%s",
						condition, test.age, test.cache), models(a))
					defer l.Close()
					ask(t.Context(), l.Model(), false)
					time.Sleep(test.age - 1)
					if got := ask(t.Context(), l.Model(), false); got.md.Degraded != "cached-answer" {
						t.Errorf("just young enough: degraded %q, want cached-answer", got.md.Degraded)
					}
					time.Sleep(time.Nanosecond)
					if got := ask(t.Context(), l.Model(), false); got.md.Degraded != "template-response" {
						t.Errorf("too old: degraded %q, want template-response", got.md.Degraded)
					}
				})
			}
		})
	}
}

// After a last resort, the next call of the turn starts at the primary.
func TestTurnGoesBackToThePrimaryAfterALastResort(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("back"))
	m := build(t, "primary: a\nfallbacks: [{name: template-response}]", models(a))
	ctx := call.With(t.Context(), call.Info{Invocation: "1", Agent: "clerk"})
	if got := ask(ctx, m, false); got.md.Degraded != "template-response" {
		t.Fatalf("degraded %q", got.md.Degraded)
	}
	if got := ask(ctx, m, false); got.text != "back" {
		t.Errorf("%q, want the primary's answer", got.text)
	}
}

// A policy that cannot be built leaves no goroutines behind.
func TestFailedReloadsLeaveNoGoroutines(t *testing.T) {
	l := live(t, "primary: a", named("a"))
	before := goleak.IgnoreCurrent()
	for i := range 50 {
		text := fmt.Sprintf("primary: a\nfallbacks: [{name: gpt-4o}]\ncache: {ttl: %ds}\nmodels: {gpt-4o: {credential_env: NOT_SET}}", i+1)
		if err := l.Replace(t.Context(), parsed(t, text)); err == nil {
			t.Fatal("no error")
		}
	}
	goleak.VerifyNone(t, before)
}

// Answers of a domain are fresh for as long as its rule says. B85
func TestCacheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := llmtest.NewModel("a", llmtest.Text("hi"))
		live, err := policy.NewLive(t.Context(), parsed(t, "primary: a\ncache: {ttl: 1h, rules: [{prompt: '(?i)weather', ttl: 1m}, {labels: {plan: internal}, skip: true}]}"), quiet, models(a))
		if err != nil {
			t.Fatal(err)
		}
		defer live.Close()
		ask := func(plan, text string) string {
			ctx := call.With(t.Context(), call.Info{Labels: map[string]string{"plan": plan}})
			return string(askFor(ctx, live.Model(), false, &model.LLMRequest{Contents: genai.Text(text)}).md.CacheStatus)
		}
		for _, step := range []struct {
			plan, text, want string
			after            time.Duration
		}{
			{"free", "The Weather?", "miss", 0}, {"free", "The Weather?", "hit", 30 * time.Second}, {"free", "The Weather?", "miss", time.Minute},
			{"free", "hello", "miss", 0}, {"free", "hello", "hit", 30 * time.Minute},
			{"internal", "anything", "bypass", 0}, {"internal", "anything", "bypass", 0},
		} {
			time.Sleep(step.after)
			if got := ask(step.plan, step.text); got != step.want {
				t.Errorf("%s of %s after %v: %s, want %s", step.text, step.plan, step.after, got, step.want)
			}
		}
	})
}
