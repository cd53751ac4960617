package policy_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// allFlags is a client that returns the result of a function for every flag.
type allFlags func() bool

func (f allFlags) Boolean(context.Context, string, bool, openfeature.EvaluationContext, ...openfeature.Option) bool {
	return f()
}

// While a flag switches a model off, its cached answers are not returned either. They are
// when the flag is on again.
func TestAFlagThatIsOffStopsCachedAnswers(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: b}]\ncache: {}\nflags: {f: {targets: [a]}}"
	for _, streamed := range []bool{false, true} {
		var on atomic.Bool
		l := live(t, text, named("a", "b"), policy.WithFlags(allFlags(on.Load), openfeature.NewEvaluationContext))
		for i, step := range []struct {
			on   bool
			want string
		}{{true, "a miss"}, {true, "a hit"}, {false, "b miss"}, {false, "b miss"}, {true, "a hit"}} {
			on.Store(step.on)
			got := ask(t.Context(), l.Model(), streamed)
			if answer := got.text + " " + got.md.CacheStatus; answer != step.want {
				t.Errorf("streamed %v, call %d, flag %v: %s (%v), want %s", streamed, i+1, step.on, answer, got.err, step.want)
			}
			if !step.on && reasonOf(got, "a") != "flag f is off" {
				t.Errorf("a was skipped because %q", reasonOf(got, "a"))
			}
		}
	}
}

// In a rollout, each user gets answers of the same model as without a cache.
func TestRolloutsHoldForCachedAnswers(t *testing.T) {
	const users = 400
	for _, text := range []string{
		"flags: {f: {targets: [a], rollout: 50%}}",
		"flags: {f: {targets: [a], rollout: 50%, sticky_by: session}}",
		"flags: {f: {targets: [a], rollout: 50%}, g: {targets: ['*'], rollout: 90%}, h: {targets: [b], rollout: 50%}}",
		"flags: {f: {targets: [x], rollout: 50%}}\nexperiments: {e: {arms: [{model: a, share: 50%}, {model: x, share: 50%}]}}",
	} {
		text = "primary: a\nfallbacks: [{name: b}, {name: c}]\n" + text
		plain, l := build(t, text, named("a", "b", "c", "x")), live(t, text+"\ncache: {}", named("a", "b", "c", "x"))
		by, hits := map[string]int{}, 0
		for i := range users * 2 {
			ctx := call.With(t.Context(), call.Info{User: fmt.Sprint("user-", i%users), Session: fmt.Sprint("session-", i%users)})
			want, got := ask(ctx, plain, false), ask(ctx, l.Model(), false)
			if got.text != want.text || (got.err == nil) != (want.err == nil) {
				t.Fatalf("%s: %q (%s, %v) for user %d, want %q (%v)", text, got.text, got.md.CacheStatus, got.err, i%users, want.text, want.err)
			}
			by[got.text]++
			if got.md.CacheStatus == "hit" {
				hits++
			}
		}
		// About half of the calls, and the cache serves all of those but the first.
		if by["a"] < users/2 || hits < by["a"]-10 {
			t.Errorf("%s: answers %v, %d of them from the cache", text, by, hits)
		}
	}
}

// A caller without an id is drawn once per call.
func TestRolloutsForNobodyInFrontOfACache(t *testing.T) {
	l := live(t, "primary: a\nfallbacks: [{name: b}]\ncache: {}\nflags: {f: {targets: [a], rollout: 50%}}", named("a", "b"))
	const calls = 1000
	by := map[string]int{}
	for i := range calls {
		// A tenant each, so that no answer is shared.
		by[ask(call.With(t.Context(), call.Info{Tenant: fmt.Sprint(i)}), l.Model(), false).text]++
	}
	// Within five standard deviations: √(1000 × ½ × ½) = 16.
	if by["a"] < calls/2-80 || by["a"] > calls/2+80 {
		t.Errorf("%d of %d calls were a's, want about half", by["a"], calls)
	}
}

// cached-answer returns no answer of a model that is off, and cache_hit is false for it.
func TestCachedAnswerObeysFlags(t *testing.T) {
	for _, text := range []string{
		"fallbacks: [{name: cached-answer}, {name: template-response}]",
		"fallbacks: [{name: cached-answer, condition: cache_hit}, {name: template-response}]",
		"fallbacks: [{name: cached-answer}, {name: template-response}]\ncache: {ttl: 1m}",
	} {
		synctest.Test(t, func(t *testing.T) {
			var on atomic.Bool
			a := llmtest.NewModel("a", llmtest.Text("a"), llmtest.Fail(llmtest.ErrUnavailable))
			l := live(t, "primary: a\n"+text+"\nflags: {f: {targets: [a]}}", models(a), policy.WithFlags(allFlags(on.Load), openfeature.NewEvaluationContext))
			defer l.Close()
			var by []string
			for _, state := range []bool{true, false, true} {
				on.Store(state)
				by = append(by, ask(t.Context(), l.Model(), false).md.ModelName)
				time.Sleep(time.Hour) // beyond the TTL
			}
			if got, want := strings.Join(by, ", "), "a, template-response, cached-answer"; got != want {
				t.Errorf("%s: flag on, off, on: %s; want %s", text, got, want)
			}
		})
	}
}

// If a flag changes during a call, the call's answer is not shared with callers for whom the
// flag is off.
func TestAFlagThatChangesInACallLeavesNoAnswerBehind(t *testing.T) {
	var asked atomic.Int64
	onLater := func() bool { return asked.Add(1) > 1 }
	l := live(t, "primary: a\nfallbacks: [{name: b}]\ncache: {}\nflags: {f: {targets: [a]}}", named("a", "b"), policy.WithFlags(allFlags(onLater), openfeature.NewEvaluationContext))
	for i := range 2 {
		asked.Store(0)
		if got := ask(t.Context(), l.Model(), false); got.text != "b" {
			t.Errorf("call %d, which begins with the flag off: %q (%s)", i+1, got.text, got.md.CacheStatus)
		}
	}

	// The other way round, a model is off as soon as its flag is off.
	offLater := func() bool { return asked.Add(1) <= 1 }
	l = live(t, "primary: a\nfallbacks: [{name: b}]\ncache: {}\nflags: {f: {targets: [a]}}", named("a", "b"), policy.WithFlags(allFlags(offLater), openfeature.NewEvaluationContext))
	asked.Store(0)
	if got := ask(t.Context(), l.Model(), false); got.text != "b" {
		t.Errorf("a flag that is off when a is to be asked: %q", got.text)
	}
}

// The flags of a new file apply to answers that were cached before. B86
func TestFlagsOverAReload(t *testing.T) {
	for name, test := range map[string]struct{ before, after, want string }{
		"switched off":        {"f: {targets: [a]}", "f: {targets: [a], default: false}", "b miss"},
		"switched on":         {"f: {targets: [b], default: false}", "f: {targets: [b]}", "a miss"},
		"off for another one": {"f: {targets: [b], default: false}", "f: {targets: [a], default: false}", "b miss"},
		"another name":        {"f: {targets: [b], default: false}", "g: {targets: [b], default: false}", "a hit"},
		"one more that is on": {"f: {targets: [a]}", "f: {targets: [a]}, g: {targets: [a, b]}", "a hit"},
		"none any more":       {"f: {targets: [a]}", "", "a hit"},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(flags string) string {
				return "primary: a\nfallbacks: [{name: b}]\ncache: {}\nflags: {" + flags + "}"
			}
			l := live(t, text(test.before), named("a", "b"))
			if got := ask(t.Context(), l.Model(), false); got.text != "a" {
				t.Fatalf("before: %q, %v", got.text, got.err)
			}
			if err := l.Replace(t.Context(), parsed(t, text(test.after))); err != nil {
				t.Fatal(err)
			}
			if got := ask(t.Context(), l.Model(), false); got.text+" "+got.md.CacheStatus != test.want {
				t.Errorf("after: %s %s (%v), want %s", got.text, got.md.CacheStatus, got.err, test.want)
			}
		})
	}
}

// A client that panics in front of the cache has the same effect as anywhere else.
func TestFlagsThatPanicInFrontOfACache(t *testing.T) {
	for fallback, want := range map[bool]string{true: "a hit", false: "b miss"} {
		text := fmt.Sprintf("primary: a\nfallbacks: [{name: b}]\ncache: {}\nflags: {f: {targets: [a], default: %v}}", fallback)
		l := live(t, text, named("a", "b"), policy.WithFlags(brokenFlags{}, openfeature.NewEvaluationContext))
		ask(t.Context(), l.Model(), false)
		if got := ask(t.Context(), l.Model(), false); got.text+" "+got.md.CacheStatus != want {
			t.Errorf("default %v: %s %s, want %s", fallback, got.text, got.md.CacheStatus, want)
		}
	}
}

// A flag of an outer policy is a different flag, even with the same name.
func TestFlagsOfAPolicyWithinAnother(t *testing.T) {
	inner := build(t, "primary: a\nfallbacks: [{name: b}]\nflags: {f: {targets: [a]}}", named("a", "b"))
	given := named("x")
	given["a"] = inner
	l := live(t, "primary: x\nfallbacks: [{name: a}]\ncache: {}\nflags: {f: {targets: [x], default: false}}", given)
	if got := ask(t.Context(), l.Model(), false); got.text != "a" {
		t.Errorf("%q (%v), want a, whose flag is on", got.text, got.err)
	}
}

// Models that an outer policy switches off do not matter to an inner cache.
func TestFlagsAroundACacheDoNotSplitIt(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Text("a"))
	inner := build(t, "primary: a\ncache: {}", models(a))
	given := named("x")
	given["in"] = inner
	l := live(t, "primary: in\nfallbacks: [{name: x}]\ncache: {}\nflags: {f: {targets: [x], rollout: 50%}}", given)
	for user := range 20 {
		ctx := call.With(t.Context(), call.Info{User: fmt.Sprint(user)})
		if got := ask(ctx, l.Model(), false); got.text != "a" {
			t.Fatalf("%q (%v), want a", got.text, got.err)
		}
	}
	if n := len(a.Requests()); n != 1 {
		t.Errorf("a was asked %d times, want once", n)
	}
}
