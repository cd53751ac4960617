package router_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// slow answers after an hour, or ends with its context.
func slow(name string) *llmtest.Model {
	return llmtest.NewModel(name, within(time.Hour, llmtest.Text("from "+name)))
}

func down(name string) *llmtest.Model {
	return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable))
}

// on is a rule that is true of what f is true of.
func on(f func(o *router.Observation) bool) router.Rule {
	return router.Rule{Name: "rule", If: func(_ context.Context, o router.Observation) (bool, error) { return f(&o), nil }}
}

// A rule is evaluated at each of its latencies while the attempt before is silent, and
// the first at which it is true ends the attempt. B72
func TestRuleAtALatency(t *testing.T) {
	late := on(func(o *router.Observation) bool { return o.Moment == router.WhenSilent && o.Latency > 3*time.Second })
	late.Latencies = []time.Duration{time.Second, 3 * time.Second, 5 * time.Second}
	for _, test := range []struct {
		name   string
		rule   router.Rule
		took   time.Duration
		reason string
	}{
		{"the first", router.Rule{Latencies: late.Latencies}, time.Second, "the rule of pro is true after 1s"},
		{"the one that If chooses", late, 3 * time.Second, "rule is true after 3s"},
		{"none", router.Rule{}, time.Hour, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				got := hear(t.Context(), fallback(slow("flash"), router.When(test.rule, says("pro"))), streamed)
				if got.Took != test.took || got.Metadata.Reason != test.reason {
					t.Errorf("%q after %v because %q; want %v, %q", got.Final, got.Took, got.Metadata.Reason, test.took, test.reason)
				}
				if test.reason != "" && !cmp.Equal(got.Record, []string{"flash failed timeout"}) {
					t.Errorf("record %q, want a timeout of flash", got.Record)
				}
			})
		})
	}
}

// A stream that has shown content is not silent. B55
func TestRuleLeavesAMovingStreamAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flash := llmtest.NewModel("flash", func(ctx context.Context, req *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			if yield(chunk("from "), nil) {
				within(time.Minute, llmtest.Text("from flash"))(ctx, req, false, yield)
			}
		})
		got := hear(t.Context(), fallback(flash, router.When(router.Rule{Latencies: []time.Duration{time.Second}}, says("pro"))), true)
		if got.Final != "from flash" || got.Took != time.Minute {
			t.Errorf("%q after %v (%v), want flash's answer", got.Final, got.Took, got.Err)
		}
	})
}

// After a failure a false rule skips its target, and the next one decides about the
// same attempt.
func TestRuleAfterAFailure(t *testing.T) {
	overloaded := on(func(o *router.Observation) bool { return o.Verdict.Kind == failure.KindOverloaded })
	quota := on(func(o *router.Observation) bool { return o.Code() == "429" })
	noAnswer := router.Rule{Name: "rule", If: func(context.Context, router.Observation) (bool, error) { return true, errors.New("no price") }}
	panics := on(func(*router.Observation) bool { panic("oops") })
	for _, test := range []struct {
		name     string
		pro, gpt router.Rule
		fails    error
		by       string
		skipped  string // why pro was
	}{
		{"true", overloaded, quota, llmtest.ErrUnavailable, "from pro", ""},
		{"false", quota, overloaded, llmtest.ErrUnavailable, "from gpt", "rule is false"},
		{"the zero rule", quota, router.Rule{}, llmtest.ErrUnavailable, "from gpt", "rule is false"},
		{"no name", router.Rule{If: quota.If}, router.Rule{}, llmtest.ErrUnavailable, "from gpt", "the rule of pro is false"},
		{"no answer", noAnswer, router.Rule{}, llmtest.ErrUnavailable, "from gpt", "rule has no answer"},
		{"a panic", panics, router.Rule{}, llmtest.ErrUnavailable, "from gpt", "rule has no answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			logged(t, func() {
				m := fallback(llmtest.NewModel("flash", llmtest.Fail(test.fails)), router.When(test.pro, says("pro")), router.When(test.gpt, says("gpt")))
				got := ask(t.Context(), m, false)
				skipped := ""
				for _, a := range got.metadata().Attempts {
					if a.Outcome == call.Skipped {
						skipped = a.Reason
					}
				}
				if got.stream != "["+test.by+"]" || skipped != test.skipped {
					t.Errorf("%s, %v; pro skipped because %q; want %s, %q", got.stream, got.err, skipped, test.by, test.skipped)
				}
			})
		})
	}
}

// If no rule is true of the failure, it is the error of the call, and its verdict stands.
func TestNoRuleIsTrue(t *testing.T) {
	never := on(func(*router.Observation) bool { return false })
	got := ask(t.Context(), fallback(down("flash"), router.When(never, says("pro")), router.When(never, says("gpt"))), false)
	if v := failure.Classify(got.err); v.Kind != failure.KindOverloaded {
		t.Errorf("%s, %v; want flash's error", got.stream, got.err)
	}
}

// What a rule is told of attempts: a refused target is no attempt once another one has
// been made, and each has its number.
func TestObservations(t *testing.T) {
	var got []string
	note := router.Rule{If: func(ctx context.Context, o router.Observation) (bool, error) {
		text := o.Request.Contents[0].Parts[0].Text
		got = append(got, fmt.Sprintf("%d %s code=%q kind=%q attempt %d of %s saying %q", o.Moment, o.Target, o.Code(), o.Verdict.Kind, o.Attempt, call.From(ctx).Tenant, text))
		if !math.IsNaN(o.Confidence()) || o.Empty() || o.Answer != nil || o.Err == nil {
			t.Errorf("observation %+v, want a failure without an answer", o)
		}
		return true, nil
	}}
	config := router.Config{Guards: []guard.Guard{func(_ context.Context, req *model.LLMRequest, target guard.Target) (*model.LLMRequest, error) {
		if strings.HasPrefix(target.Name, "lite") {
			return nil, &middleware.RefusedError{By: "guard", Reason: "off"}
		}
		return req, nil
	}}}
	m := router.MustFallback(config, says("lite"), router.When(note, down("flash")), router.When(note, says("lite-2")), router.When(note, down("pro")), router.When(note, says("gpt")))
	ask(call.With(t.Context(), call.Info{Tenant: "acme"}), m, false)
	want := []string{
		`0 lite code="guard" kind="refused" attempt 1 of acme saying "hi"`, // no other has been made
		`0 flash code="503" kind="overloaded" attempt 1 of acme saying "hi"`,
		`0 flash code="503" kind="overloaded" attempt 1 of acme saying "hi"`, // not lite-2
		`0 pro code="503" kind="overloaded" attempt 2 of acme saying "hi"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
}

// A rule that looks before the attempt skips the target before it, and is not evaluated
// again.
func TestRuleBeforeAnAttempt(t *testing.T) {
	for _, test := range []struct {
		price float64
		by    string
	}{{0.01, "[from flash]"}, {0.10, "[from pro]"}} {
		flash := says("flash")
		dear := on(func(o *router.Observation) bool { return o.Moment == router.WhenStarting && test.price > 0.05 })
		dear.Before = true
		got := ask(t.Context(), fallback(flash, router.When(dear, says("pro"))), false)
		if asked := len(flash.Asked()); got.stream != test.by || (asked == 0) != (test.by == "[from pro]") {
			t.Errorf("price %v: %s (%v), flash was called %d times; want %s", test.price, got.stream, got.err, asked, test.by)
		}
		if md := got.metadata(); test.by == "[from pro]" && md.Reason != "rule is true before the attempt" {
			t.Errorf("reason %q", md.Reason)
		}
	}
}

// An answer that a rule rejects is not seen, and is charged to its model as a failed
// attempt; one that it accepts is passed on as it came.
func TestRuleOnAnswers(t *testing.T) {
	unsure := on(func(o *router.Observation) bool {
		return o.Moment == router.WhenAnswered && (o.Confidence() < 0.8 || o.Empty() || o.Answer.FinishReason == genai.FinishReasonMaxTokens)
	})
	unsure.Answers = true
	answers := func(text string, logprob float64, reason genai.FinishReason) llmtest.Step {
		final := &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: reason, AvgLogprobs: logprob}
		return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
			if streamed {
				send(chunk(text), final)(ctx, req, streamed, yield)
			} else {
				yield(final, nil)
			}
		}
	}
	thinks := llmtest.Respond(func() *model.LLMResponse {
		parts := []*genai.Part{{Text: "hm", Thought: true}, {Text: " "}}
		return &model.LLMResponse{Content: genai.NewContentFromParts(parts, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	})
	for _, test := range []struct {
		name     string
		flash    llmtest.Step
		rejected bool
	}{
		{"sure", answers("a", -0.1, genai.FinishReasonStop), false}, // e^-0.1 = 90 %
		{"unsure", answers("a", -0.5, genai.FinishReasonStop), true},
		{"unknown", answers("a", 0, genai.FinishReasonStop), false},
		{"cut", answers("a", 0, genai.FinishReasonMaxTokens), true},
		{"blank", answers(" \n", 0, genai.FinishReasonStop), true},
		{"thoughts only", thinks, true},
	} {
		for _, streamed := range []bool{false, true} {
			got := hear(t.Context(), fallback(llmtest.NewModel("flash", test.flash), router.When(unsure, says("pro"))), streamed)
			want := heard{Final: "from pro", Record: []string{"flash failed rejected"}}
			if !test.rejected {
				want = heard{Final: "a"}
			}
			if streamed {
				want.Partial = want.Final
			}
			if got.Final != want.Final || got.Partial != want.Partial || !cmp.Equal(got.Record, want.Record) {
				t.Errorf("%s, streamed %v: %+v, want %+v", test.name, streamed, got, want)
			}
			if test.rejected && got.Metadata.Reason != "rule is true of the answer" {
				t.Errorf("%s: reason %q", test.name, got.Metadata.Reason)
			}
		}
	}
}

// White space and thoughts are no answer; calls and data are.
func TestEmptyAnswers(t *testing.T) {
	thought := &genai.Part{Text: "hm", Thought: true}
	for name, test := range map[string]struct {
		parts []*genai.Part
		want  bool
	}{
		"nothing":         {nil, true},
		"nil":             {[]*genai.Part{nil}, true},
		"white space":     {[]*genai.Part{{Text: " \n"}, {Text: "\t"}}, true},
		"thoughts only":   {[]*genai.Part{thought, {Text: " "}}, true},
		"text":            {[]*genai.Part{thought, {Text: " a"}}, false},
		"a function call": {[]*genai.Part{thought, {FunctionCall: &genai.FunctionCall{Name: "f"}}}, false},
		"a tool call":     {[]*genai.Part{thought, {ToolCall: &genai.ToolCall{ID: "1"}}}, false},
		"data":            {[]*genai.Part{{Text: " "}, {InlineData: &genai.Blob{}}}, false},
	} {
		o := router.Observation{Answer: &model.LLMResponse{Content: &genai.Content{Parts: test.parts}}}
		if got := o.Empty(); got != test.want {
			t.Errorf("%s: empty is %v", name, got)
		}
	}
	if o := (router.Observation{Answer: &model.LLMResponse{}}); !o.Empty() {
		t.Error("an answer without content is not empty")
	}
}

// A rule that measures the time to first content sees how long a broken stream took.
func TestRuleOnTheTimeToFirstContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := on(func(o *router.Observation) bool { return o.TTFT > 2*time.Second })
		slow.TTFT = true
		never := on(func(*router.Observation) bool { return false })
		for delay, by := range map[time.Duration]string{time.Second: "from gpt", 3 * time.Second: "from pro"} {
			flash := llmtest.NewModel("flash", within(delay, llmtest.Fail(llmtest.ErrUnavailable, "half ")))
			for name, m := range map[string]model.LLM{
				"the rule of the next target": fallback(flash, router.When(slow, says("pro")), says("gpt")),
				"the rule after a false one":  fallback(flash, router.When(never, says("lite")), router.When(slow, says("pro")), says("gpt")),
			} {
				if got := hear(t.Context(), m, true); got.Final != by {
					t.Errorf("%s, first content after %v: %q (%v), want %s", name, delay, got.Final, got.Err, by)
				}
			}
		}
	})
}

// In a hedge, a member's rule refers to the member before, and moves on at once without
// the hedge's delay; the next target's rule refers to both, and cancels both. B76
func TestRulesAndAHedge(t *testing.T) {
	after := func(d time.Duration) router.Rule { return router.Rule{Latencies: []time.Duration{d}} }
	of := func(target string) router.Rule {
		return on(func(o *router.Observation) bool { return o.Target == target })
	}
	hedge := func(delay time.Duration, models ...model.LLM) model.LLM {
		return router.MustHedge(router.HedgeConfig{Delay: delay, MaxExtraLoad: 1}, models...)
	}
	for _, test := range []struct {
		name string
		m    func() model.LLM
		by   string
		took time.Duration
	}{
		{"the member's", func() model.LLM {
			return hedge(time.Minute, slow("flash"), router.When(after(2*time.Second), says("lite")))
		}, "from lite", 2 * time.Second},
		{"the member's, in a Fallback", func() model.LLM {
			return fallback(hedge(time.Minute, slow("flash"), router.When(after(2*time.Second), says("lite"))), router.When(after(5*time.Second), says("pro")))
		}, "from lite", 2 * time.Second},
		{"the next target's", func() model.LLM {
			return fallback(hedge(time.Second, slow("flash"), slow("lite")), router.When(after(5*time.Second), says("pro")))
		}, "from pro", 5 * time.Second},
		{"both", func() model.LLM {
			return fallback(hedge(time.Minute, slow("flash"), router.When(after(2*time.Second), slow("lite"))), router.When(after(5*time.Second), says("pro")))
		}, "from pro", 5 * time.Second},
		{"a member's, after a failure outside of the hedge", func() model.LLM {
			return fallback(down("pro"), router.When(router.Rule{}, hedge(time.Second, slow("flash"), router.When(of("flash"), says("lite")))))
		}, "from lite", time.Second},
		{"a member's, after a failure in the try before", func() model.LLM {
			retry := middleware.MustRetry(middleware.RetryConfig{BaseDelay: 1, MaxDelay: 1})
			flash := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable), within(time.Hour, llmtest.Text("from flash")))
			lite := llmtest.NewModel("lite", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("from lite"))
			return fallback(retry(hedge(time.Second, flash, router.When(of("flash"), lite))), router.When(router.Rule{}, says("pro")))
		}, "from lite", time.Second},
		{"the one after a hedge refers to it", func() model.LLM {
			return fallback(hedge(time.Minute, down("flash"), router.When(of("flash"), down("lite"))), router.When(of("lite"), says("no")), router.When(of("flash"), says("pro")))
		}, "from pro", 0},
		{"that of the first member", func() model.LLM {
			never := on(func(*router.Observation) bool { return false })
			return fallback(down("pro"), hedge(time.Minute, router.When(never, says("flash")), says("lite")), router.When(router.Rule{}, says("gpt")))
		}, "from flash", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				if got := hear(t.Context(), test.m(), streamed); got.Final != test.by || got.Took != test.took {
					t.Errorf("%q after %v (%v), want %s after %v", got.Final, got.Took, got.Err, test.by, test.took)
				}
			})
		})
	}
}

// The attempts of a hedge count one by one, those of another nested router as one.
func TestAttemptsOfGroupsAreCounted(t *testing.T) {
	group := map[string]func(models ...model.LLM) model.LLM{
		"hedge": func(models ...model.LLM) model.LLM {
			return router.MustHedge(router.HedgeConfig{Delay: time.Minute}, models...)
		},
		"fallback": fallback,
		"split": func(models ...model.LLM) model.LLM { // of a hedge
			return router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Weight: 1, Model: router.MustHedge(router.HedgeConfig{Delay: time.Minute}, models...)}}})
		},
	}
	for name, want := range map[string]int{"hedge": 3, "fallback": 2, "split": 2} {
		got := 0
		note := on(func(o *router.Observation) bool { got = o.Attempt; return true })
		ask(t.Context(), fallback(group[name](down("flash"), down("lite")), down("pro"), router.When(note, says("gpt"))), false)
		if got != want {
			t.Errorf("%s: pro was attempt %d, want %d", name, got, want)
		}
	}
}

// The rules of a nested Fallback refer to its own attempts, also when the outer one has
// rules too.
func TestRulesOfANestedFallback(t *testing.T) {
	var inner, outer []string
	note := func(to *[]string) router.Rule {
		return on(func(o *router.Observation) bool { *to = append(*to, fmt.Sprint(o.Target, " ", o.Attempt)); return true })
	}
	within := fallback(down("pro"), router.When(note(&inner), down("pro-2")))
	got := ask(t.Context(), fallback(down("flash"), router.When(note(&outer), within), router.When(note(&outer), degrade.Template("sorry"))), false)
	if diff := cmp.Diff([][]string{{"pro 1"}, {"flash 1", "pro 2"}}, [][]string{inner, outer}); diff != "" || got.stream != "[sorry]" {
		t.Errorf("%s; observations of the inner and the outer rules (-want +got):\n%s", got.stream, diff)
	}
}

// A rule that has been true lets every attempt at its target through: another one is not
// judged by what has failed since.
func TestRuleOfATargetThatIsCalledAgain(t *testing.T) {
	of := func(target string) router.Rule {
		return on(func(o *router.Observation) bool { return o.Target == target })
	}
	cut := llmtest.Fail(llmtest.ErrUnavailable, "one ")
	refuses := llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "no prefill"})
	pro := router.Describe(llmtest.NewModel("pro", refuses, llmtest.Text("one two")), router.Traits{Prefill: true})
	for _, test := range []struct {
		name   string
		config router.Config
		models []model.LLM
		want   string
	}{
		{"for its last resort", router.Config{}, []model.LLM{
			down("flash"), router.When(of("flash"), fallback(down("pro"), degrade.Template("sorry"))), router.When(of("pro"), down("gpt"))}, "sorry"},
		{"without a prefill", router.Config{MidStream: router.Resume}, []model.LLM{
			llmtest.NewModel("flash", cut), router.When(of("flash"), pro)}, "one two"},
		{"because it was cut off first", router.Config{MidStream: router.Resume}, []model.LLM{
			down("flash"), router.When(of("flash"), llmtest.NewModel("pro", cut, llmtest.Text("one two"))), router.When(of("pro"), down("gpt"))}, "one two"},
	} {
		if got := hear(t.Context(), router.MustFallback(test.config, test.models...), true); got.Final != test.want {
			t.Errorf("%s: %q (%v), want %q", test.name, got.Final, got.Err, test.want)
		}
	}
}

// Judge gets each failure once, also in a hedge and through what is around it.
func TestJudgeGetsEachFailureOnce(t *testing.T) {
	group := func(models ...model.LLM) model.LLM {
		return router.MustHedge(router.HedgeConfig{Delay: time.Minute}, models...)
	}
	cut := func(name string) model.LLM {
		return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable, "half"))
	}
	badKey := func(name string) model.LLM { return llmtest.NewModel(name, llmtest.Fail(errBadKey)) }
	retry := middleware.MustRetry(middleware.RetryConfig{BaseDelay: time.Hour, MaxDelay: time.Hour, SkipWait: 1}) // it waits for no second try
	validate := middleware.MustValidate(middleware.ValidateConfig{MinLength: 1000})
	for name, test := range map[string]struct {
		m    model.LLM
		want int
	}{
		"two targets":                   {down("flash"), 2},
		"a hedge":                       {group(down("flash"), down("lite")), 3},
		"a hedge that one failure ends": {group(badKey("flash"), says("lite")), 1},
		"a hedge that is cut off":       {group(cut("flash"), says("lite")), 2},
		"a hedge in a hedge":            {group(group(badKey("flash"), says("lite")), down("mini")), 1},
		"a retry around a hedge":        {retry(group(down("flash"), down("lite"))), 3},
		"a check around a hedge":        {validate(group(says("flash"), says("lite"))), 2},
	} {
		got := 0
		config := router.Config{Judge: func(v failure.Verdict) failure.Verdict { got++; return v }}
		ask(t.Context(), router.MustFallback(config, test.m, down("pro")), true)
		if got != test.want {
			t.Errorf("%s: judged %d times, want %d", name, got, test.want)
		}
	}
}

// Judge decides which failures move on, also within a hedge. B105
func TestJudgeReplacesVerdicts(t *testing.T) {
	config := router.Config{Judge: func(v failure.Verdict) failure.Verdict {
		v.Action = failure.Fail
		if v.Matches("400") {
			v.Action = failure.Fallback
		}
		return v
	}}
	hedge := func(models ...model.LLM) model.LLM {
		return router.MustHedge(router.HedgeConfig{Delay: time.Minute}, models...)
	}
	for name, chain := range map[string]func(models ...model.LLM) model.LLM{
		"fallback": func(models ...model.LLM) model.LLM { return router.MustFallback(config, models...) },
		"hedge":    func(models ...model.LLM) model.LLM { return router.MustFallback(config, hedge(models...)) },
	} {
		for _, test := range []struct {
			err  error
			want string
		}{{errBadKey, "[from pro]"}, {llmtest.ErrUnavailable, ""}} {
			if got := ask(t.Context(), chain(llmtest.NewModel("flash", llmtest.Fail(test.err)), says("pro")), false); got.stream != test.want {
				t.Errorf("%s, %v: %s, want %q", name, test.err, got.stream, test.want)
			}
		}
	}
}

// Traits and a rule of one target go together, whichever is outside.
func TestRuleAndTraits(t *testing.T) {
	traits := router.Traits{Credential: "team"}
	after := router.Rule{Latencies: []time.Duration{time.Second}}
	for name, pro := range map[string]model.LLM{
		"the rule outside":   router.When(after, router.Describe(says("pro"), traits)),
		"the traits outside": router.Describe(router.When(after, says("pro")), traits),
	} {
		synctest.Test(t, func(t *testing.T) {
			if got := hear(t.Context(), fallback(slow("flash"), pro), false); got.Took != time.Second {
				t.Errorf("%s: %q after %v, want 1s", name, got.Final, got.Took)
			}
		})
		billing := router.Describe(llmtest.NewModel("flash", llmtest.Fail(errBilling)), traits)
		if got := ask(t.Context(), fallback(billing, pro, says("gpt")), false); got.stream != "[from gpt]" {
			t.Errorf("%s: %s, want gpt: pro has flash's credential", name, got.stream)
		}
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		rule router.Rule
		want string
	}{
		{router.Rule{Latencies: []time.Duration{0}}, "models[1]: Rule.Latencies[0] is 0s; must be more than 0s"},
		{router.Rule{Latencies: []time.Duration{2, 1}}, "models[1]: Rule.Latencies[1] is 1ns; must be more than 2ns"},
		{router.Rule{Before: true}, "models[1]: Rule.If is nil; must be set if Before or Answers is"},
		{router.Rule{Answers: true}, "models[1]: Rule.If is nil; must be set if Before or Answers is"},
	} {
		models := []model.LLM{says("flash"), router.When(test.rule, says("pro"))}
		_, err := router.NewFallback(router.Config{}, models...)
		_, hedged := router.NewHedge(router.HedgeConfig{}, models...)
		if fmt.Sprint(err) != "router: NewFallback: "+test.want || fmt.Sprint(hedged) != "router: NewHedge: "+test.want {
			t.Errorf("%v, %v; want %s", err, hedged, test.want)
		}
	}
}

// A target has one rule, whatever is between two of them.
func TestTwoRulesAreRefused(t *testing.T) {
	pro := router.When(router.Rule{}, says("pro"))
	for name, m := range map[string]model.LLM{
		"around each other": router.When(router.Rule{}, pro),
		"around a layer":    router.When(router.Rule{}, router.Describe(middleware.MustRetry(middleware.RetryConfig{})(pro), router.Traits{})),
	} {
		_, err := router.NewFallback(router.Config{}, says("flash"), m)
		if want := "router: NewFallback: models[1] has two rules; put their conditions into one"; fmt.Sprint(err) != want {
			t.Errorf("%s: %v; want %s", name, err, want)
		}
	}
	if _, err := router.NewFallback(router.Config{}, says("flash"), router.When(router.Rule{}, fallback(pro))); err != nil {
		t.Errorf("a rule within a group: %v; want no error", err)
	}
}

// The caller's cancellation is its own error, whatever rules say. B39
func TestRulesAndTheCallersCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := ask(ctx, fallback(slow("flash"), router.When(router.Rule{Latencies: []time.Duration{2 * time.Second}}, says("pro"))), false)
		if !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("%s, %v; want the caller's deadline", got.stream, got.err)
		}
	})
}

// A rule that is evaluated when an attempt has failed knows the request and how long it took.
func TestRuleKnowsTheAttemptThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []router.Observation
		rule := on(func(o *router.Observation) bool { seen = append(seen, *o); return true })
		flash := llmtest.NewModel("flash", within(2*time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
		ask(t.Context(), fallback(flash, router.When(rule, says("pro"))), false)
		if len(seen) != 1 || seen[0].Moment != router.WhenFailed || seen[0].Target != "flash" || seen[0].Latency != 2*time.Second || llmtest.TextOf(seen[0].Request.Contents[0]) != "hi" {
			t.Errorf("the rule saw %+v; want the failure of flash after 2s", seen)
		}
	})
}
