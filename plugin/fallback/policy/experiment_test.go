package policy_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

func TestExperimentsSplitTheirTarget(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: c}]\nexperiments: {trial: {arms: [{model: a, share: 75%}, {model: b, share: 25%, cohort: new}]}}"
	m := build(t, text, named("a", "b", "c"))
	count := map[string]int{}
	for user := range 1000 {
		ctx := asUser(t.Context(), fmt.Sprint("user-", user))
		got := ask(ctx, m, false)
		count[got.text]++
		if again := ask(ctx, m, true); again.text != got.text {
			t.Fatalf("user %d is in two arms", user)
		}
		cohort := map[string]string{"a": "a", "b": "new"}[got.text]
		if got.md.ExperimentID != "trial" || got.md.Cohort != cohort {
			t.Fatalf("%s: experiment %q, cohort %q", got.text, got.md.ExperimentID, got.md.Cohort)
		}
	}
	// Within five standard deviations: √(1000 × 0.25 × 0.75) = 13.7.
	if n := count["b"]; n < 180 || n > 320 {
		t.Errorf("%d of 1000 users are in the arm of 25 %%", n)
	}
}

// An arm that fails falls back like its control, and the call still counts for the arm's
// cohort.
func TestArmsFallBack(t *testing.T) {
	given := named("a", "c")
	given["b"] = llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: c}]\nexperiments: {x: {arms: [{model: a, share: 0%}, {model: b, share: 100%}]}}", given)
	if got := ask(t.Context(), m, false); got.text != "c" || got.md.Cohort != "b" {
		t.Errorf("%q in cohort %q (%v), want c in cohort b", got.text, got.md.Cohort, got.err)
	}
}

func TestExperimentsWithAFallback(t *testing.T) {
	given := named("b", "c")
	given["a"] = llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nexperiments: {x: {target: b, arms: [{model: b, share: 0%}, {model: c, share: 100%}]}}", given)
	if got := ask(t.Context(), m, false); got.text != "c" || got.md.ExperimentID != "x" {
		t.Errorf("%q (%v), experiment %q; want c in x", got.text, got.err, got.md.ExperimentID)
	}
}

// max_drift removes an arm that fails more often than its control.
func TestArmsThatDriftAreTakenOut(t *testing.T) {
	given := named("a", "c")
	bad := llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable))
	given["b"] = bad
	m := build(t, "primary: a\nfallbacks: [{name: c}]\nexperiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}], max_drift: 10%, min_calls: 10}}", given)
	for user := range 200 {
		ask(asUser(t.Context(), fmt.Sprint(user)), m, false)
	}
	if asked := len(bad.Asked()); asked < 10 || asked > 60 {
		t.Errorf("the bad arm was asked %d times of about 100, want it out after some 10", asked)
	}
}

// A call that the policy's limits or conditions end is a failure of the arm; a call that the
// policy keeps from the arm is not.
func TestArmsAreJudgedAsTheirPolicyJudges(t *testing.T) {
	slow := after(5*time.Second, llmtest.Text("b"))
	blank := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText(" ", genai.RoleModel), FinishReason: genai.FinishReasonStop}
	})
	for _, test := range []struct {
		name, text string
		b          llmtest.Step
		out        bool
	}{
		{"too slow for a time limit", "fallbacks: [{name: c}]\ntimeouts: {primary: 1s}", slow, true},
		{"too slow for the call", "fallbacks: [{name: template-response}]\ntimeouts: {total: 1s}", slow, true},
		{"too slow for a condition", "fallbacks: [{name: c, condition: 'error || latency > 1s'}]", slow, true},
		{"too slow for one that judges", "fallbacks: [{name: c, condition: 'error || empty || latency > 1s'}]", slow, true},
		{"rejected", "fallbacks: [{name: c, condition: 'error || empty'}]", blank, true},
		{"rejected after a hedge", "fallbacks: [{name: d}, {name: c, condition: 'error || empty'}]\nhedge: {target: d, delay: 1m}", blank, true},
		{"accepted", "fallbacks: [{name: c, condition: 'error || empty'}]", llmtest.Text("b"), false},
		{"slower than a hedge", "fallbacks: [{name: d}]\nhedge: {target: d, delay: 1s, max_extra_load: 100%}", slow, false},
		{"breaker open", "fallbacks: [{name: c}]\ncircuit_breaker: {failure_threshold: 2, backoff: 1h}", llmtest.Fail(llmtest.ErrUnavailable), true},
		{"flag off", "fallbacks: [{name: c}]\nflags: {f: {targets: [b], default: false}}", llmtest.Text("b"), false},
		{"not allowed to see it", "fallbacks: [{name: c}]\ncompliance: {rules: [{data_classes: [pii], targets: [a, c]}]}", llmtest.Text("b"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given := named("a", "c", "d")
				given["b"] = llmtest.NewModel("b", test.b)
				var log bytes.Buffer
				text := "primary: a\n" + test.text + "\nexperiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}], max_drift: 5%, min_calls: 10}}\n"
				m := build(t, text, given, policy.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
				for user := range 100 {
					got := ask(call.With(t.Context(), call.Info{User: fmt.Sprint(user), DataClass: "pii"}), m, user%2 == 0)
					if got.err != nil || got.md.Cohort == "" && got.text != "d" {
						t.Fatalf("%q in cohort %q (%v), want an answer in a cohort", got.text, got.md.Cohort, got.err)
					}
				}
				if out := strings.Contains(log.String(), "taken out"); out != test.out {
					t.Errorf("taken out: %v, want %v", out, test.out)
				}
			})
		})
	}
}

// A rollback survives a reload that does not change the experiment; the guards are those of
// the new policy. If the experiment or one of its models changes, it starts anew. B92
func TestRollbacksSurviveAReload(t *testing.T) {
	const (
		head = "primary: a\nfallbacks: [{name: c}]\n"
		same = "experiments: {x: {arms: [{model: a, share: 50%}, {model: b, share: 50%}], max_drift: 10%, min_calls: 10}}\n"
	)
	for _, test := range []struct {
		name, file string
		asked      bool   // the arm that was taken out
		by         string // whom everybody gets; empty for more than one
	}{
		{"another section changed", head + same + "timeouts: {primary: 1m}\n", false, "a"},
		{"a guard changed", head + same + "flags: {f: {targets: [a], default: false}}\n", false, "c"},
		{"the experiment changed", head + strings.Replace(same, "min_calls: 10", "min_calls: 20", 1), true, ""},
		{"a model changed", head + same + "models: {b: {config: {temperature: 0}}}\n", true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := named("a", "c")
			bad := llmtest.NewModel("b", llmtest.Fail(llmtest.ErrUnavailable))
			given["b"] = bad
			l, err := policy.NewLive(t.Context(), parsed(t, head+same), quiet, given)
			if err != nil {
				t.Fatal(err)
			}
			everybody := func() (by []string) {
				for user := range 100 {
					by = append(by, ask(asUser(t.Context(), fmt.Sprint(user)), l.Model(), false).text)
				}
				slices.Sort(by)
				return slices.Compact(by)
			}
			everybody()
			if by := everybody(); !slices.Equal(by, []string{"a"}) {
				t.Fatalf("before the reload %v answered, want a alone", by)
			}
			before := len(bad.Asked())
			if err := l.Replace(t.Context(), parsed(t, test.file)); err != nil {
				t.Fatal(err)
			}
			by := everybody()
			if asked := len(bad.Asked()) > before; asked != test.asked || test.by != "" && !slices.Equal(by, []string{test.by}) {
				t.Errorf("b was asked: %v, %v answered; want %v, %s", asked, by, test.asked, test.by)
			}
		})
	}
}

// The settings of adaptive are those of router.AdaptiveShare.
func TestAdaptiveSettings(t *testing.T) {
	for settings, want := range map[string]float64{
		"min_share: 20%": 0.2,  // after 20 bad seconds
		"decrease: 10%":  0.02, // after 3 bad seconds: the default of min_share
		"increase: 25%":  0.5,  // after 2 bad seconds, which leave 25 %, and 11 good ones
	} {
		synctest.Test(t, func(t *testing.T) {
			bad := true
			a := llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				step := llmtest.Text("a")
				if bad {
					step = llmtest.Fail(llmtest.ErrUnavailable)
				}
				step(ctx, req, stream, yield)
			})
			m := build(t, "primary: a\nfallbacks: [{name: c}]\nexperiments: {e: {arms: [{model: a, share: 100%}, {model: b, share: 0%}], adaptive: {"+settings+"}}}",
				models(a, llmtest.NewModel("b", llmtest.Text("b")), llmtest.NewModel("c", llmtest.Text("c"))))
			run := func(seconds int) {
				for range seconds {
					for user := range 100 {
						ask(asUser(t.Context(), fmt.Sprint(user)), m, false)
					}
					time.Sleep(time.Second)
				}
			}
			switch settings {
			case "min_share: 20%":
				run(20)
			case "decrease: 10%":
				run(3)
			default:
				run(2)
				bad = false
				run(11)
			}
			var got float64
			for n := range inspect.Of(m).States() {
				if n.Split != nil {
					got = n.Split.Arms[0].Share
				}
			}
			if math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: the share of the control is %v, want %v", settings, got, want)
			}
		})
	}
}
