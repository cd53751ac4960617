package policy_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// using answers with text and a usage of output tokens.
func using(text string, output int32) llmtest.Step {
	return llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{CandidatesTokenCount: output},
		}
	})
}

// asking returns a request for an answer of at most the given number of tokens.
func asking(output int32) *model.LLMRequest {
	return &model.LLMRequest{Contents: genai.Text("x"), Config: &genai.GenerateContentConfig{MaxOutputTokens: output}}
}

// The price of a million output tokens is one dollar here: 10,000 cost 0.01.
const priced = "\nmodels: {a: {price: {input: 0, output: 1}}, b: {price: {input: 0, output: 1}}}"

// B78: a budget of 1.00 USD under 200 concurrent calls that also fall back.
func TestBudgetHoldsUnderConcurrentCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const output = 8000 // tokens: 0.008 USD an attempt
		var attempts atomic.Int64
		counted := func(step llmtest.Step) llmtest.Step {
			return after(time.Second, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				attempts.Add(1)
				step(ctx, req, stream, yield)
			})
		}
		a := llmtest.NewModel("a", counted(llmtest.Fail(errors.New("a fault that is billed"))))
		b := llmtest.NewModel("b", counted(using("b", output)))
		m := build(t, "primary: a\nfallbacks: [{name: b}]\nbudgets: {usd_per_day: 1.00}"+priced, models(a, b))
		var group sync.WaitGroup
		var answers, refusals atomic.Int64
		for range 200 {
			group.Go(func() {
				got := askFor(t.Context(), m, false, asking(output))
				refused := (*middleware.RefusedError)(nil)
				switch {
				case got.err == nil:
					answers.Add(1)
				case errors.As(got.err, &refused) && refused.By == "budget":
					refusals.Add(1)
				}
			})
		}
		group.Wait()
		if n := attempts.Load(); n != 125 { // 1.00 / 0.008
			t.Errorf("%d attempts at 0.008 USD under a budget of 1.00, want 125", n)
		}
		if answers.Load()+refusals.Load() != 200 {
			t.Errorf("%d answers and %d refusals by the budget, of 200 calls", answers.Load(), refusals.Load())
		}
	})
}

// The limit on an answer is the length for which money was reserved, whatever set it. So
// answers of that length do not exceed a budget. B78
func TestBudgetHoldsForAnswersAsLongAsAllowed(t *testing.T) {
	for _, test := range []struct {
		name, budgets, config string
		asked, candidates     int32
		bound                 int32
	}{
		{"nothing asked", "usd_per_day: 1.00", "", 0, 0, 8192},
		{"a tenant's budget", "tenants: {acme: {usd_per_day: 1.00}}", "", 0, 0, 8192},
		{"less asked", "usd_per_day: 1.00", "", 5000, 0, 5000},
		{"more asked", "usd_per_day: 1.00", "", 100_000, 0, 8192},
		{"several candidates", "usd_per_day: 1.00", "", 5000, 2, 5000},
		{"more in the model's settings", "usd_per_day: 1.00", ", config: {max_output_tokens: 9000}", 10, 0, 8192},
		{"less there", "usd_per_day: 1.00", ", config: {max_output_tokens: 6000}", 7000, 0, 6000},
		{"another bound in the file", "usd_per_day: 1.00, max_output_tokens: 20000", "", 0, 0, 20_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var spent atomic.Int64 // in millionths of a dollar, as tokens are
				a := llmtest.NewModel("a", after(time.Second, func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
					if got := req.Config.MaxOutputTokens; got != test.bound {
						t.Errorf("the model was asked for %d tokens, want %d", got, test.bound)
					}
					output := req.Config.MaxOutputTokens * max(req.Config.CandidateCount, 1)
					spent.Add(int64(output))
					using("a", output)(ctx, req, stream, yield)
				}))
				m := build(t, "primary: a\nbudgets: {"+test.budgets+"}\nmodels: {a: {price: {input: 0, output: 1}"+test.config+"}}", models(a))
				req := asking(test.asked)
				req.Config.CandidateCount = test.candidates
				var group sync.WaitGroup
				for range 200 {
					group.Go(func() { askFor(call.With(t.Context(), call.Info{Tenant: "acme"}), m, false, req) })
				}
				group.Wait()
				each := int64(test.bound * max(test.candidates, 1))
				if got := spent.Load(); got > 1_000_000 || got+each <= 1_000_000 {
					t.Errorf("%d answers of %d tokens cost %.6f USD under a budget of 1.00; want as much of it as there is place for", len(a.Asked()), each, float64(got)/1e6)
				}
			})
		})
	}
}

// Answers have a limit by default only if dollars are limited.
func TestAnswersAreBoundedWhereDollarsAre(t *testing.T) {
	for budgets, want := range map[string]int32{
		"": 0, "budgets: {max_input_tokens: 1000}": 0, "budgets: {usd_per_day: 1}": spec.DefaultMaxOutput, "budgets: {usd_per_day: 1, max_output_tokens: 9}": 9,
	} {
		a := llmtest.NewModel("a", llmtest.Text("a"))
		ask(t.Context(), build(t, "primary: a\n"+budgets+priced, models(a)), false)
		got := int32(0)
		if c := a.Requests()[0].Config; c != nil {
			got = c.MaxOutputTokens
		}
		if got != want {
			t.Errorf("%q: the model was asked for %d tokens, want %d", budgets, got, want)
		}
	}
}

// Input that the provider has cached can be free.
func TestPriceOfCachedInput(t *testing.T) {
	read := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{
			Content: genai.NewContentFromText("a", genai.RoleModel), FinishReason: genai.FinishReasonStop,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 100_000, CachedContentTokenCount: 100_000},
		}
	})
	for cached, want := range map[string]int{"": 5, ", cached: 0": 9, ", cached: 1": 5, ", cached: 0.1": 9} {
		m := build(t, "primary: a\nbudgets: {usd_per_day: 0.5}\nmodels: {a: {price: {input: 1, output: 0"+cached+"}}}", models(llmtest.NewModel("a", read)))
		answers := 0
		for range 9 {
			if ask(t.Context(), m, false).err == nil {
				answers++
			}
		}
		if answers != want {
			t.Errorf("price %q: %d answers of 100,000 tokens read from a cache, under 0.50 USD; want %d", cached, answers, want)
		}
	}
}

// spend makes calls of 0.10 USD until the budget refuses one, and returns the number of
// answers.
func spend(ctx context.Context, m model.LLM) (n int) {
	for n < 100 {
		if got := askFor(ctx, m, false, asking(100_000)); got.err != nil || got.md.Degraded != "" {
			return n
		}
		n++
	}
	return n
}

func TestBudgetsOfTenants(t *testing.T) {
	m := build(t, "primary: a\nbudgets: {usd_per_day: 0.5, tenants: {big: {usd_per_day: 2}}}"+priced, models(llmtest.NewModel("a", using("a", 100_000))))
	for tenant, want := range map[string]int{"": 5, "small": 5, "big": 20} {
		if got := spend(call.With(t.Context(), call.Info{Tenant: tenant}), m); got != want {
			t.Errorf("tenant %q: %d answers of 0.10 USD, want %d", tenant, got, want)
		}
	}
}

// exhausted: deny refuses the call, degrade gives an answer of last resort.
func TestWhatHappensWhenABudgetIsSpent(t *testing.T) {
	for _, exhausted := range []string{"deny", "degrade"} {
		text := "primary: a\nfallbacks: [{name: template-response}]\nbudgets: {usd_per_day: 0.5, exhausted: " + exhausted + "}" + priced
		a := llmtest.NewModel("a", using("a", 100_000))
		m := build(t, text, models(a))
		spend(t.Context(), m)
		got := askFor(t.Context(), m, false, asking(100_000))
		refused := (*middleware.RefusedError)(nil)
		if deny := errors.As(got.err, &refused) && refused.By == "budget"; deny != (exhausted == "deny") {
			t.Errorf("%s: error %v", exhausted, got.err)
		}
		if degraded := got.md.Degraded != ""; degraded != (exhausted == "degrade") {
			t.Errorf("%s: degraded %q", exhausted, got.md.Degraded)
		}
	}

	// Neither a failure within the budget nor a spared target means that the budget is
	// spent.
	down := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: template-response}]\nbudgets: {usd_per_day: 0.5}"+priced, models(down))
	if got := ask(t.Context(), m, false); got.md.Degraded == "" {
		t.Errorf("a model that fails, with money left: %v; want the template", got.err)
	}
}

func TestDenyIsForBudgetsThatAreUsedUp(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: b}, {name: template-response}]\nbudgets: {usd_per_day: 1}\n" +
		"models: {a: {price: {input: 0, output: 0}}, b: {price: {input: 0, output: 1000}}}"
	m := build(t, text, models(llmtest.NewModel("a", llmtest.Fail(errors.New("a fault"))), llmtest.NewModel("b", llmtest.Text("b"))))
	if got := askFor(t.Context(), m, false, asking(100_000)); got.md.Degraded == "" {
		t.Errorf("one failed, the other one is too dear: %q, %v; want the template", got.text, got.err)
	}
}

// soft_limit: from 80 % on, half of the calls start at the first fallback.
func TestSoftLimitLowersThePrimarysShare(t *testing.T) {
	var draw atomic.Int64
	alternate := func() float64 { return float64(draw.Add(1)%2) * 0.99 }
	a, b := llmtest.NewModel("a", using("a", 100_000)), llmtest.NewModel("b", using("b", 0))
	text := "primary: a\nfallbacks: [{name: b, condition: \"latency > 1s\"}]\nbudgets: {usd_per_day: 1, soft_limit: {}}" +
		strings.Replace(priced, "output: 1}}}", "output: 0}}}", 1)
	m := build(t, text, models(a, b), policy.WithRand(alternate))
	var by []string
	for range 12 {
		got := askFor(t.Context(), m, false, asking(100_000))
		by = append(by, got.text)
		if got.text == "b" && got.md.Reason != "80% of the day's budget is spent" && got.md.Reason != "90% of the day's budget is spent" && got.md.Reason != "100% of the day's budget is spent" {
			t.Errorf("reason %q", got.md.Reason)
		}
	}
	if got := strings.Join(by, ""); !strings.HasPrefix(got, "aaaaaaaa") || strings.Count(got[8:], "a") != 2 || strings.Count(got[8:], "b") < 1 {
		t.Errorf("answers %s: want 8 by a, then every other one until the budget is spent", got)
	}
}

// A call that skips the primary comes back to it while the budget is not spent, before a
// last resort and before an error. No call calls it twice.
func TestSparedCallsComeBackToThePrimary(t *testing.T) {
	up, down, free := using("a", 10_000), llmtest.Fail(llmtest.ErrUnavailable), using("b", 1)
	for _, test := range []struct {
		name, text string
		a, b       llmtest.Step
		want       string // who answers a call that the primary is spared; "" for the template
		asked      int    // how often the primary is asked for it
	}{
		{"the other one is down", "fallbacks: [{name: b}]", up, down, "a", 1},
		{"before the template", "fallbacks: [{name: b}, {name: template-response}]", up, down, "a", 1},
		{"the other one answers", "fallbacks: [{name: b}, {name: template-response}]", up, free, "b", 0},
		{"all are down", "fallbacks: [{name: b}, {name: template-response}]", down, down, "", 1},
		{"no other model", "fallbacks: [{name: template-response}]", up, free, "a", 1},
		{"none before the template", "fallbacks: [{name: template-response}, {name: b}]", up, free, "a", 1},
		{"beside a hedge", "fallbacks: [{name: b}, {name: template-response}]\nhedge: {delay: 1m}", up, down, "a", 1},
		{"a hedge in vain", "fallbacks: [{name: b}, {name: template-response}]\nhedge: {delay: 1m}", down, down, "", 1},
	} {
		for _, share := range []string{"0%", "100%"} {
			a, b := llmtest.NewModel("a", using("a", 700_000), test.a), llmtest.NewModel("b", test.b)
			m := build(t, "primary: a\n"+test.text+"\nbudgets: {usd_per_day: 1, max_output_tokens: 700000, soft_limit: {at: 50%, primary_share: "+share+"}}"+priced, models(a, b))
			askFor(t.Context(), m, false, asking(700_000))
			got := askFor(t.Context(), m, false, asking(10_000))
			spared := share == "0%"
			by := got.text
			if got.md.Degraded != "" {
				by = ""
			}
			if asked := len(a.Asked()) - 1; spared && (by != test.want || asked != test.asked) {
				t.Errorf("%s, spared: %q answered (%v), the primary was asked %d times; want %q, %d", test.name, by, got.err, asked, test.want, test.asked)
			} else if !spared && asked != 1 {
				t.Errorf("%s, not spared: the primary was asked %d times", test.name, asked)
			}
		}
	}
}

// max_input_tokens refuses requests, max_output_tokens limits answers.
func TestTokenCaps(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Text("a"))
	m := build(t, "primary: a\nbudgets: {max_input_tokens: 10, max_output_tokens: 100}", models(a))
	long := &model.LLMRequest{Contents: genai.Text(strings.Repeat("x", 100))}
	if got := askFor(t.Context(), m, false, long); got.err == nil || !strings.Contains(got.err.Error(), "about 25 tokens, more than budgets.max_input_tokens, 10") {
		t.Errorf("a long request: %v", got.err)
	}
	for asked, want := range map[int32]int32{0: 100, 50: 50, 500: 100} {
		req := asking(asked)
		askFor(t.Context(), m, false, req)
		seen := a.Requests()[len(a.Requests())-1]
		if got := seen.Config.MaxOutputTokens; got != want {
			t.Errorf("%d tokens asked for: the model was asked for %d, want %d", asked, got, want)
		}
		if req.Config.MaxOutputTokens != asked {
			t.Error("the caller's request was changed")
		}
	}
}

// The projected price uses the longest answer: that of the model's settings, or else of the
// request, and at most the policy's limit.
func TestProjectedPrices(t *testing.T) {
	for _, test := range []struct {
		settings string
		asked    int32
		dear     bool // more than 0.01 USD, which are 10,000 tokens here
	}{
		{"", 9_000, false},
		{"", 11_000, true},
		{"budgets: {max_output_tokens: 9000}", 11_000, false},
		{"config: {max_output_tokens: 11000}", 9_000, true},
		{"config: {max_output_tokens: 9000}", 11_000, false},
	} {
		text := chainOf("cost > 0.01") + "models: {a: {price: {input: 0, output: 1}"
		if config, ok := strings.CutPrefix(test.settings, "config"); ok {
			text += ", config" + config + "}}"
		} else {
			text += "}}\n" + test.settings
		}
		got := askFor(t.Context(), build(t, text, named("a", "b")), false, asking(test.asked))
		if dear := got.text == "b"; dear != test.dear {
			t.Errorf("%q, %d tokens asked for: %q answered (%v), want dear %v", test.settings, test.asked, got.text, got.err, test.dear)
		}
	}
}

// cost is that of the most expensive arm, and unknown if the price of any arm is. An unknown
// cost never skips the attempt, even if the condition would be true.
func TestCostOfAnExperiment(t *testing.T) {
	const arms = "experiments: {x: {arms: [{model: a, share: 100%}, {model: b, share: 0%}]}}\n"
	for _, test := range []struct{ name, condition, models, want string }{
		{"the dearest arm", "cost > 0.005", "a: {price: {input: 0, output: 0}}, b: {price: {input: 0, output: 1}}", "c"},
		{"cheap arms", "cost > 0.005", "a: {price: {input: 0, output: 0}}, b: {price: {input: 0, output: 0.1}}", "a"},
		{"an unknown one", "cost > 0.005", "a: {price: {input: 0, output: 1}}", "a"},
		{"an unknown one, turned round", "!(cost < 0.005)", "a: {price: {input: 0, output: 0}}", "a"},
	} {
		text := "primary: a\nfallbacks: [{name: c, condition: \"" + test.condition + "\"}]\n" + arms + "models: {" + test.models + "}"
		if got := askFor(t.Context(), build(t, text, named("a", "b", "c")), false, asking(8000)); got.text != test.want {
			t.Errorf("%s: %q answered (%v), want %s", test.name, got.text, got.err, test.want)
		}
	}
}

// A turn that stays with a fallback comes back to the primary once.
func TestPrimaryIsAskedOnceInATurnThatStaysElsewhere(t *testing.T) {
	down := llmtest.Fail(llmtest.ErrUnavailable)
	a, b := llmtest.NewModel("a", down), llmtest.NewModel("b", using("b", 1), down)
	m := build(t, "primary: a\nfallbacks: [{name: b}]\nbudgets: {usd_per_day: 1, soft_limit: {}}"+priced, models(a, b))
	ctx := call.With(t.Context(), call.Info{Invocation: "turn", Agent: "agent", User: "user"})
	for range 2 {
		ask(ctx, m, false)
	}
	if n, others := len(a.Asked()), len(b.Asked()); n != 2 || others != 2 {
		t.Errorf("two calls asked the primary %d times and the fallback %d times, want 2 and 2", n, others)
	}
}

// A model that costs nothing does not answer for a budget that is used up, and does
// while it is not, or where nobody bounds it. B78
func TestAFreeModelDoesNotGoRoundABudget(t *testing.T) {
	const file = "primary: %s\nfallbacks: [{name: %s}, {name: template-response}]\nbudgets: {usd_per_day: 0.5, tenants: {rich: {usd_per_day: 100}}, exhausted: %s}" +
		"\nmodels: {a: {price: {input: 0, output: %d}}, free: {price: {input: 0, output: 0}}}"
	for _, test := range []struct {
		name, primary, other, exhausted, tenant, want string
	}{
		{"behind one that has no place", "a", "free", "deny", "acme", ""},
		{"behind one that has no place, degraded", "a", "free", "degrade", "acme", "template-response"},
		{"in front", "free", "a", "deny", "acme", "free"},
		{"for a tenant with more", "a", "free", "deny", "rich", "a"},
	} {
		m := build(t, fmt.Sprintf(file, test.primary, test.other, test.exhausted, 1000), models(llmtest.NewModel("a", using("a", 1)), llmtest.NewModel("free", llmtest.Text("free"))))
		got := askFor(call.With(t.Context(), call.Info{Tenant: test.tenant}), m, false, asking(8000))
		if by := cmp.Or(got.md.Degraded, got.md.ModelName); by != test.want || (got.err == nil) != (test.want != "") {
			t.Errorf("%s: %q answered (%v), want %q", test.name, by, got.err, test.want)
		}
	}

	spent := llmtest.NewModel("a", using("a", 500_000))
	m := build(t, fmt.Sprintf(file, "a", "free", "deny", 1), models(spent, llmtest.NewModel("free", llmtest.Text("free"))))
	askFor(t.Context(), m, false, asking(500_000))
	if got := askFor(t.Context(), m, false, asking(1)); got.err == nil {
		t.Errorf("%s answered with no budget left", got.md.ModelName)
	}
}
