package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// long returns a request of about 100 tokens a turn.
func long(turns int) *model.LLMRequest {
	req := &model.LLMRequest{}
	for range turns {
		words := strings.Repeat("word ", 40)
		req.Contents = append(req.Contents, genai.NewContentFromText(words, genai.RoleUser), genai.NewContentFromText(words, genai.RoleModel))
	}
	req.Contents = append(req.Contents, genai.NewContentFromText("and now?", genai.RoleUser))
	return req
}

// holding answers, and refuses requests that do not fit its window, of which it counts
// factor tokens for each that is estimated.
func holding(name string, window int, factor float64) *llmtest.Model {
	return llmtest.NewModel(name, func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		counted := int(factor * float64(tokens.Estimate(req)))
		if counted > window {
			yield(nil, failure.Verdict{Action: failure.Fallback, Kind: failure.KindContextLength, HTTPStatus: 400}.Err())
			return
		}
		llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{Content: genai.NewContentFromText(name, genai.RoleModel), FinishReason: genai.FinishReasonStop,
				UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: int32(counted), CandidatesTokenCount: 1}}
		})(ctx, req, streamed, yield)
	})
}

// A request that fits no window is trimmed for a target that answers, in the order of the
// chain, and only then there is a last resort. B100
func TestOverflow(t *testing.T) {
	const chain = "primary: small\nfallbacks: [{name: large}, {name: template-response}]\noverflow: %s\nmodels: {small: {context_window: 4000, price: {input: 1, output: 1}}, large: {context_window: 9000, price: {input: 1, output: 1}}}\n"
	for name, test := range map[string]struct {
		turns    int
		overflow string
		more     string
		down     string // a model that is
		text     string
		trimmed  bool
		calls    [2]int // of small and large
	}{
		"fits":                     {turns: 5, overflow: "trim", text: "small", calls: [2]int{1, 0}},
		"fits a larger window":     {turns: 60, overflow: "trim", text: "large", calls: [2]int{0, 1}},
		"fits none":                {turns: 150, overflow: "trim", text: "small", trimmed: true, calls: [2]int{1, 0}},
		"fits none, and is not":    {turns: 150, overflow: "skip", text: "I cannot answer right now. Please try again later."},
		"the larger is down":       {turns: 60, overflow: "trim", down: "large", text: "small", trimmed: true, calls: [2]int{1, 1}},
		"the first is down":        {turns: 150, overflow: "trim", down: "small", text: "large", trimmed: true, calls: [2]int{1, 1}},
		"all that fits is down":    {turns: 5, overflow: "trim", down: "small", text: "large", calls: [2]int{1, 1}},
		"a rule forbids it":        {turns: 150, overflow: "trim", more: "compliance: {rules: [{targets: [large]}]}", text: "large", trimmed: true, calls: [2]int{0, 1}},
		"a flag switches it off":   {turns: 150, overflow: "trim", more: "flags: {f: {targets: [small], default: false}}", text: "large", trimmed: true, calls: [2]int{0, 1}},
		"an experiment":            {turns: 150, overflow: "trim", more: "experiments: {x: {arms: [{model: small, share: 1}, {model: other, share: 0}]}}", text: "small", trimmed: true, calls: [2]int{1, 0}},
		"a hedge":                  {turns: 150, overflow: "trim", more: "hedge: {delay: 1s}", text: "small", trimmed: true, calls: [2]int{1, 0}},
		"a cascade":                {turns: 150, overflow: "trim", more: "cascade: {model: other, checks: {}}", text: "other", calls: [2]int{0, 0}},
		"a cascade that fails":     {turns: 150, overflow: "trim", more: "cascade: {model: other, checks: {min_length: 50}}", text: "small", trimmed: true, calls: [2]int{1, 0}},
		"a budget that is bounded": {turns: 150, overflow: "trim", more: "budgets: {usd_per_day: 10, max_output_tokens: 500}", text: "small", trimmed: true, calls: [2]int{1, 0}},
	} {
		for _, streamed := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", streamed ", streamed), func(t *testing.T) {
				all := map[string]*llmtest.Model{"small": holding("small", 4000, 1), "large": holding("large", 9000, 1), "other": llmtest.NewModel("other", llmtest.Text("other"))}
				if test.down != "" {
					all[test.down] = llmtest.NewModel(test.down, llmtest.Fail(llmtest.ErrUnavailable))
				}
				m := build(t, fmt.Sprintf(chain, test.overflow)+test.more, models(all["small"], all["large"], all["other"]))
				got := askFor(t.Context(), m, streamed, long(test.turns))
				trimmed := false
				for _, req := range append(all["small"].Requests(), all["large"].Requests()...) {
					trimmed = trimmed || request.Text(req.Contents[1]) == middleware.TrimMark
				}
				if calls := [2]int{len(all["small"].Asked()), len(all["large"].Asked())}; got.text != test.text || calls != test.calls || trimmed != test.trimmed {
					t.Errorf("%q (%v) after %v calls, trimmed %t; want %q after %v calls, trimmed %t\n%+v", got.text, got.err, calls, trimmed, test.text, test.calls, test.trimmed, got.md.Attempts)
				}
			})
		}
	}
}

// A trimmed request leaves room for the answer that it asks for.
func TestOverflowLeavesRoomForTheAnswer(t *testing.T) {
	for _, output := range []int32{0, 1500} {
		small := holding("small", 4000, 1)
		m := build(t, "primary: small\noverflow: trim\nmodels: {small: {context_window: 4000}}", models(small))
		req := long(150)
		req.Config = &genai.GenerateContentConfig{MaxOutputTokens: output}
		if got := askFor(t.Context(), m, false, req); got.text != "small" {
			t.Fatalf("%q (%v)", got.text, got.err)
		}
		if length, most := tokens.Estimate(small.Requests()[0]), 4000-int(max(output, 1000)); length > most || length < most/2 {
			t.Errorf("with an answer of %d tokens, %d tokens of input are sent; want up to %d", output, length, most)
		}
	}
}

// What a target's refusals and counts teach outlives a policy.
func TestOverflowLearnsAcrossReloads(t *testing.T) {
	small := holding("small", 4000, 2)
	const file = "primary: small\noverflow: trim\nmodels: {small: {context_window: 4000}}\n"
	live, err := policy.NewLive(t.Context(), parsed(t, file), quiet, models(small))
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for range 8 { // until it is trimmed enough
		if got := askFor(t.Context(), live.Model(), false, long(150)); got.err != nil {
			failed++
		}
	}
	if err := live.Replace(t.Context(), parsed(t, file+"fallbacks: [{name: template-response}]")); err != nil {
		t.Fatal(err)
	}
	before := len(small.Requests())
	if got := askFor(t.Context(), live.Model(), false, long(150)); got.text != "small" || failed == 0 || len(small.Requests()) != before+1 {
		t.Errorf("%q (%v) after %d calls, %d failures before; want one that fits", got.text, got.err, len(small.Requests())-before, failed)
	}
}

// A call that needs no trimming waits for its only target as without overflow, and its
// record has nothing of it.
func TestOverflowIsNoTargetOfOtherCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := llmtest.NewModel("a", llmtest.Fail(failure.Verdict{Action: failure.Retry, Kind: failure.KindRateLimit, HTTPStatus: 429, RetryAfter: 20 * time.Second}.Err()), llmtest.Text("a"))
		attempts := 0
		m := build(t, "primary: a\noverflow: trim\nretry: {max_attempts: 2}\nmodels: {a: {context_window: 4000}}", models(a),
			policy.WithHooks(call.Hooks{OnAttempt: func(context.Context, call.Attempt) { attempts++ }}))
		got := askFor(t.Context(), m, false, long(3))
		if got.text != "a" || got.took < 20*time.Second || attempts != 2 {
			t.Errorf("%q (%v) after %v and %d attempts; want a after the wait", got.text, got.err, got.took, attempts)
		}
	})
}

func TestOverflowNeedsAWindow(t *testing.T) {
	_, err := policy.Build(t.Context(), parsed(t, "primary: a\noverflow: trim"), quiet, named("a"))
	if err == nil || !strings.Contains(err.Error(), "2:11: overflow: trim needs a target whose context window is known; set models.NAME.context_window") {
		t.Errorf("error %v", err)
	}
	m := build(t, "primary: gemini-2.5-flash\noverflow: trim", env(map[string]string{"GOOGLE_API_KEY": "k"})) // its window is in the list
	if m.Name() != "gemini-2.5-flash" {
		t.Errorf("%q", m.Name())
	}
}
