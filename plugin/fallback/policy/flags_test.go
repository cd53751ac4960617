package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

func asUser(ctx context.Context, user string) context.Context {
	return call.With(ctx, call.Info{User: user})
}

func TestFlagsSwitchTargets(t *testing.T) {
	const text = "primary: new-model\nfallbacks: [{name: old}]\nflags: {use-new: {targets: [new-*], default: %v}}"
	for _, test := range []struct {
		fallback bool
		by       string
	}{{true, "new-model"}, {false, "old"}} {
		got := ask(t.Context(), build(t, fmt.Sprintf(text, test.fallback), named("new-model", "old")), false)
		if got.text != test.by {
			t.Errorf("default %v: %s answered, want %s", test.fallback, got.text, test.by)
		}
		if want := map[bool]string{true: "", false: "flag use-new is off"}[test.fallback]; reasonOf(got, "new-model") != want {
			t.Errorf("default %v: reason %q, want %q", test.fallback, reasonOf(got, "new-model"), want)
		}
	}
}

// An answer of last resort is switched like a model, also when the time of a call
// is over.
func TestFlagsSwitchAnswersOfLastResort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "primary: a\nfallbacks: [{name: template-response}]\ntimeouts: {total: 1s}\nflags: {say-sorry: {targets: [template-response], default: %v}}"
		for name, step := range map[string]llmtest.Step{"down": llmtest.Fail(llmtest.ErrUnavailable), "silent": silent} {
			for _, on := range []bool{true, false} {
				got := ask(t.Context(), build(t, fmt.Sprintf(text, on), models(llmtest.NewModel("a", step))), false)
				if answered := got.err == nil; answered != on {
					t.Errorf("%s, flag %v: %q answered (%v)", name, on, got.text, got.err)
				}
				if !on && name == "down" && !strings.Contains(got.err.Error(), "flag say-sorry is off") {
					t.Errorf("error %q does not name the flag", got.err)
				}
			}
		}
	})
}

// The provider of flags wins over the file, and is told who asks.
func TestOpenFeatureDecidesFlags(t *testing.T) {
	decide := func(_ memprovider.InMemoryFlag, c openfeature.FlattenedContext) (any, openfeature.ProviderResolutionDetail) {
		return c["labels.plan"] == "paid" || c[openfeature.TargetingKey] == "ann", openfeature.ProviderResolutionDetail{Reason: openfeature.TargetingMatchReason}
	}
	provider := memprovider.NewInMemoryProvider(map[string]memprovider.InMemoryFlag{
		"use-new": {Key: "use-new", State: memprovider.Enabled, ContextEvaluator: &decide},
	})
	if err := openfeature.SetNamedProviderAndWait(t.Name(), provider); err != nil {
		t.Fatal(err)
	}
	const text = "primary: new\nfallbacks: [{name: old}, {name: older}]\nflags: {use-new: {targets: [new], default: true}, use-old: {targets: [old], default: false}}"
	m := build(t, text, named("new", "old", "older"), policy.WithFlags(openfeature.NewClient(t.Name()), openfeature.NewEvaluationContext))
	for _, test := range []struct {
		info call.Info
		by   string
	}{
		{call.Info{User: "ann"}, "new"},
		{call.Info{User: "bob"}, "older"}, // the provider does not know use-old: the file does
		{call.Info{User: "bob", Labels: map[string]string{"plan": "paid"}}, "new"},
	} {
		if got := ask(call.With(t.Context(), test.info), m, false); got.text != test.by {
			t.Errorf("%+v: %s answered (%v), want %s", test.info, got.text, got.err, test.by)
		}
	}
}

// A rollout of 30 % is on for about 30 % of the users, for the same ones each
// time, and for others than that of another flag.
func TestRolloutsAreStickyByUser(t *testing.T) {
	const users = 2000
	text := "primary: new\nfallbacks: [{name: old}]\nflags: {%s: {targets: [new], rollout: 30%%}}"
	on := func(flag string) map[int]bool {
		m := build(t, fmt.Sprintf(text, flag), named("new", "old"))
		on := map[int]bool{}
		for user := range users {
			got := ask(asUser(t.Context(), fmt.Sprint("user-", user)), m, false).text == "new"
			for range 2 {
				if again := ask(asUser(t.Context(), fmt.Sprint("user-", user)), m, false).text == "new"; again != got {
					t.Fatalf("user %d is on both sides", user)
				}
			}
			on[user] = got
		}
		return on
	}
	count := func(on map[int]bool) (n int) {
		for _, yes := range on {
			if yes {
				n++
			}
		}
		return n
	}
	first, second, both := on("first"), on("second"), map[int]bool{}
	for user, yes := range first {
		both[user] = yes && second[user]
	}
	// Within five standard deviations: √(2000 × 0.3 × 0.7) = 20, and 13 for 9 %.
	if n := count(first); n < 500 || n > 700 {
		t.Errorf("%d of %d users are on, want about 600", n, users)
	}
	if n := count(both); n < 115 || n > 245 {
		t.Errorf("%d of %d users are on in both flags, want about 180", n, users)
	}
}

func TestRolloutsCanBeStickyBySession(t *testing.T) {
	m := build(t, "primary: new\nfallbacks: [{name: old}]\nflags: {f: {targets: [new], rollout: 50%, sticky_by: session}}", named("new", "old"))
	seen := map[string]bool{}
	for session := range 50 {
		ctx := call.With(t.Context(), call.Info{User: "ann", Session: fmt.Sprint("session-", session)})
		seen[ask(ctx, m, false).text] = true
	}
	if len(seen) != 2 {
		t.Errorf("one user's sessions are all on one side: %v", seen)
	}
}

// brokenFlags is a client of flags that panics.
type brokenFlags struct{}

func (brokenFlags) Boolean(context.Context, string, bool, openfeature.EvaluationContext, ...openfeature.Option) bool {
	panic("broken")
}

// B80
func TestFlagsThatPanicAreTheFilesDefault(t *testing.T) {
	const text = "primary: new\nfallbacks: [{name: old}]\nflags: {f: {targets: [new], default: %v}}"
	for fallback, by := range map[bool]string{true: "new", false: "old"} {
		m := build(t, fmt.Sprintf(text, fallback), named("new", "old"), policy.WithFlags(brokenFlags{}, openfeature.NewEvaluationContext))
		if got := ask(t.Context(), m, false); got.text != by {
			t.Errorf("default %v: %s answered (%v), want %s", fallback, got.text, got.err, by)
		}
	}
}

// A flag that is off is asked again for the arms of an experiment.
func TestFlagsHoldInExperiments(t *testing.T) {
	b := llmtest.NewModel("b", llmtest.Text("b"))
	given := named("a", "c")
	given["b"] = b
	m := build(t, "primary: a\nfallbacks: [{name: c}]\nexperiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}]}}\nflags: {f: {targets: [b], default: false}}", given)
	for user := range 20 {
		ask(asUser(t.Context(), fmt.Sprint(user)), m, false)
	}
	if asked := len(b.Asked()); asked > 0 {
		t.Errorf("b was asked %d times although its flag is off", asked)
	}
}
