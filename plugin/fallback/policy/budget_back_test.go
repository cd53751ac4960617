package policy_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// sparing is a policy that spares its primary a a share of the calls, once the first call
// has spent most of the budget.
func sparing(fallbacks, share, more string, prices ...string) string {
	if prices == nil {
		prices = []string{priced}
	}
	return "primary: a\nfallbacks: [" + fallbacks + "]\nbudgets: {usd_per_day: 1, max_output_tokens: 700000, soft_limit: {at: 50%, primary_share: " + share + "}}\n" +
		more + prices[0]
}

// A call comes back to the primary however the other models failed: also when the last
// ones were skipped because they share something with one that failed.
func TestSparedCallsComeBackPastModelsThatAreLeftOut(t *testing.T) {
	tooLong := llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "The input token count (2000) exceeds the maximum number of tokens allowed (1000)."})
	for _, test := range []struct{ name, fallbacks, window, want string }{
		{"the last one is asked", "{name: b}, {name: template-response}", "100000", "a"},
		{"the last one is left out", "{name: b}, {name: c}, {name: template-response}", "100000", "a"},
		{"the primary would be too small as well", "{name: b}, {name: c}, {name: template-response}", "1000", ""},
	} {
		a, b, c := llmtest.NewModel("a", using("a", 700_000), using("a", 1)), llmtest.NewModel("b", tooLong), llmtest.NewModel("c", using("c", 1))
		price := "{price: {input: 0, output: 1}, context_window: "
		m := build(t, sparing(test.fallbacks, "0%", "", "models: {a: "+price+test.window+"}, b: "+price+"1000}, c: "+price+"900}}"), models(a, b, c))
		askFor(t.Context(), m, false, asking(700_000))
		got := askFor(t.Context(), m, false, asking(10_000))
		if degraded := got.md.Degraded != ""; degraded != (test.want == "") || !degraded && got.text != test.want {
			t.Errorf("%s: %q (degraded %q, %v), want %q", test.name, got.text, got.md.Degraded, got.err, test.want)
		}
	}
}

// errors.content_policy applies to the way back as to any other target.
func TestSparedCallsComeBackFromARefusalIfThePolicySaysSo(t *testing.T) {
	refusal := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText("no", genai.RoleModel), FinishReason: genai.FinishReasonSafety, ErrorCode: "SAFETY"}
	})
	for choice, want := range map[string]string{"fail": "no", "fallback": "a"} {
		a, b := llmtest.NewModel("a", using("a", 700_000), using("a", 1)), llmtest.NewModel("b", refusal)
		m := build(t, sparing("{name: b}, {name: template-response}", "0%", "errors: {content_policy: "+choice+"}"), models(a, b))
		askFor(t.Context(), m, false, asking(700_000))
		if got := askFor(t.Context(), m, false, asking(10_000)); got.text != want {
			t.Errorf("%s: %q (%v), want %q", choice, got.text, got.err, want)
		}
	}
}

// After a call has come back to the primary, the turn stays with the primary and not with
// the model that failed.
func TestTurnStaysWithThePrimaryItCameBackTo(t *testing.T) {
	down := llmtest.Fail(llmtest.ErrUnavailable)
	a, b := llmtest.NewModel("a", using("a", 700_000), using("a", 1), using("a", 1), down), llmtest.NewModel("b", down)
	m := build(t, sparing("{name: b}, {name: template-response}", "0%", ""), models(a, b))
	askFor(t.Context(), m, false, asking(700_000))
	ctx := call.With(t.Context(), call.Info{Invocation: "turn", Agent: "agent", User: "user"})
	for i := range 2 {
		if got := askFor(ctx, m, false, asking(10_000)); got.text != "a" || len(b.Asked()) != 1 {
			t.Errorf("call %d: %q (%v), and b was asked %d times; want a, and 1", i, got.text, got.err, len(b.Asked()))
		}
	}
	// It was not skipped because of its own failure.
	if got := askFor(ctx, m, false, asking(10_000)); len(got.md.Attempts) == 0 || got.md.Attempts[0].Outcome != call.Failed {
		t.Errorf("a was asked at once and failed, but the attempts are %+v", got.md.Attempts)
	}
}

// If a call has called the primary, the way back is neither in its record nor in its error.
func TestCallsThatAreNotSparedKnowNoWayBack(t *testing.T) {
	down := llmtest.Fail(llmtest.ErrUnavailable)
	for _, test := range []struct{ fallbacks, want string }{
		{"{name: b}", ""},
		{"{name: b}, {name: template-response}", "a failed, b failed, template-response ok"},
	} {
		a, b := llmtest.NewModel("a", down), llmtest.NewModel("b", down)
		got := ask(t.Context(), build(t, sparing(test.fallbacks, "0%", ""), models(a, b)), false)
		if test.want == "" {
			if got.err == nil || !strings.Contains(got.err.Error(), "(2 tried or skipped)") {
				t.Errorf("error %v, want one of two targets", got.err)
			}
			continue
		}
		var attempts []string
		for _, a := range got.md.Attempts {
			attempts = append(attempts, a.Model+" "+string(a.Outcome))
		}
		if attempts := strings.Join(attempts, ", "); attempts != test.want {
			t.Errorf("attempts %s, want %s", attempts, test.want)
		}
	}
}

// A primary that is called at most once per call can still be forced when every breaker is
// open.
func TestPrimaryIsForcedWhenAllBreakersAreOpen(t *testing.T) {
	for _, share := range []string{"0%", "100%"} {
		down := llmtest.Fail(llmtest.ErrUnavailable)
		a, b := llmtest.NewModel("a", using("a", 600_000), down, using("a", 1)), llmtest.NewModel("b", down)
		m := build(t, sparing("{name: b}", share, "circuit_breaker: {failure_threshold: 1, backoff: 1h}"), models(a, b), policy.WithRand(func() float64 { return 0.5 }))
		askFor(t.Context(), m, false, asking(600_000))
		if got := askFor(t.Context(), m, false, asking(10)); got.err == nil {
			t.Fatalf("share %s: %q, want both to fail", share, got.text)
		}
		got := askFor(t.Context(), m, false, asking(10))
		if asked := len(a.Asked()) + len(b.Asked()); got.err != nil && asked == 3 {
			t.Errorf("share %s: nobody was asked: %v", share, got.err)
		}
		var all interface{ Unwrap() []error }
		if errors.As(got.err, &all) && strings.Contains(got.err.Error(), "asked already") {
			t.Errorf("share %s: %v", share, got.err)
		}
	}
}

// A budget that spares the primary a call is not used up: if no model may be asked
// for another reason, the call gets its answer of last resort.
func TestASparedPrimaryIsNoBudgetThatIsUsedUp(t *testing.T) {
	var on atomic.Bool
	on.Store(true)
	a, b := llmtest.NewModel("a", using("a", 700_000)), llmtest.NewModel("b", using("b", 1))
	m := build(t, sparing("{name: b}, {name: template-response}", "0%", "flags: {f: {targets: [a, b]}}\n"), models(a, b), policy.WithFlags(allFlags(on.Load), openfeature.NewEvaluationContext))
	askFor(t.Context(), m, false, asking(700_000))
	on.Store(false)
	if got := askFor(t.Context(), m, false, asking(10)); got.md.Degraded != "template-response" {
		t.Errorf("%q (%v), want the template", got.text, got.err)
	}
}
