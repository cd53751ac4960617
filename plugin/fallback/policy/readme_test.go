package policy_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// field is the policy of the README, byte for byte, over three scripted models.
type field struct {
	model              model.LLM
	gemini, gpt, local *llmtest.Model
}

func newField(t *testing.T, gemini, gpt, local llmtest.Step) *field {
	t.Helper()
	f := &field{gemini: llmtest.NewModel("gemini-v2", gemini), gpt: llmtest.NewModel("gpt-4o", gpt), local: llmtest.NewModel("small-local-llm", local)}
	data, err := os.ReadFile("spec/testdata/good/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	l, err := policy.NewLive(t.Context(), parsed(t, string(data)), quiet, models(f.gemini, f.gpt, f.local))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f.model = l.Model()
	return f
}

// asked returns how often each model was asked.
func (f *field) asked() [3]int {
	return [3]int{len(f.gemini.Asked()), len(f.gpt.Asked()), len(f.local.Asked())}
}

// Each line of the file of the field does what it says. B90
func TestFileOfTheFieldBehavesAsItReads(t *testing.T) {
	fails := llmtest.Fail(llmtest.ErrUnavailable)
	for _, test := range []struct {
		name               string
		gemini, gpt, local llmtest.Step
		answer             string // its beginning
		by                 string
		took               time.Duration
		asked              [3]int
	}{
		{"primary: the primary answers", llmtest.Text("gemini"), fails, fails, "gemini", "gemini-v2", 0, [3]int{1, 0, 0}},
		{"error: a failure moves on at once", fails, llmtest.Text("gpt"), fails, "gpt", "gpt-4o", 0, [3]int{1, 1, 0}},
		{"latency > 3000ms: 3.2 s are too slow", after(3200*time.Millisecond, llmtest.Text("gemini")), llmtest.Text("gpt"), fails, "gpt", "gpt-4o", 3 * time.Second, [3]int{1, 1, 0}},
		{"latency > 3000ms: 3 s are not", after(3*time.Second-1, llmtest.Text("gemini")), llmtest.Text("gpt"), fails, "gemini", "gemini-v2", 3*time.Second - 1, [3]int{1, 0, 0}},
		{"latency > 1500ms: of gpt-4o", fails, silent, llmtest.Text("local"), "local", "small-local-llm", 1500 * time.Millisecond, [3]int{1, 1, 1}},
		{"latency > 1500ms: after the 3 s of gemini", silent, silent, llmtest.Text("local"), "local", "small-local-llm", 4500 * time.Millisecond, [3]int{1, 1, 1}},
		{"fallback: 2s bounds the local model", fails, fails, silent, "I cannot answer right now", "template-response", 2 * time.Second, [3]int{1, 1, 1}},
		{"cache_hit: nothing is kept, so the template answers", fails, fails, fails, "I cannot answer right now", "template-response", 0, [3]int{1, 1, 1}},
	} {
		for _, streamed := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newField(t, test.gemini, test.gpt, test.local)
					got := ask(t.Context(), f.model, streamed)
					if got.err != nil || !strings.HasPrefix(got.text, test.answer) {
						t.Errorf("answer %q, %v; want %q", got.text, got.err, test.answer)
					}
					if got.md.ModelName != test.by || got.took != test.took {
						t.Errorf("%s answered after %v, want %s after %v", got.md.ModelName, got.took, test.by, test.took)
					}
					if asked := f.asked(); asked != test.asked {
						t.Errorf("asked %v, want %v", asked, test.asked)
					}
					if degraded := test.by == "template-response"; (got.md.Degraded == "template-response") != degraded {
						t.Errorf("degraded = %q", got.md.Degraded)
					}
				})
			})
		}
	}
}

// "cost > 0.05" is asked before anything is spent. B90
func TestCostRuleOfTheFieldSkipsThePrimary(t *testing.T) {
	text, err := os.ReadFile("spec/testdata/good/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	priced := string(text) + "models:\n  gemini-v2: {price: {input: 10, output: 10}}\n"
	gemini, gpt := llmtest.NewModel("gemini-v2", llmtest.Text("gemini")), llmtest.NewModel("gpt-4o", llmtest.Text("gpt"))
	m := build(t, priced, models(gemini, gpt, llmtest.NewModel("small-local-llm", llmtest.Text("local"))))

	// 10 USD for a million tokens: an answer of 4,000 is 0.04, one of 6,000 is 0.06.
	for _, test := range []struct {
		output int32
		by     string
	}{{4000, "gemini-v2"}, {6000, "gpt-4o"}} {
		req := &model.LLMRequest{Contents: genai.Text("hello"), Config: &genai.GenerateContentConfig{MaxOutputTokens: test.output}}
		got := askFor(t.Context(), m, false, req)
		if got.md.ModelName != test.by {
			t.Errorf("%d tokens of output: %s answered (%v), want %s", test.output, got.md.ModelName, got.err, test.by)
		}
		if test.by == "gpt-4o" && !strings.Contains(got.md.Reason, "true before the attempt") {
			t.Errorf("reason %q", got.md.Reason)
		}
	}
	if asked := len(gemini.Asked()); asked != 1 {
		t.Errorf("gemini was asked %d times, want once", asked)
	}
}

// "cache_hit": the cached answer is given only when there is one, and never in
// place of a model that answers. B87, B90
func TestCachedAnswerOfTheField(t *testing.T) {
	down := false
	flaky := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		step := llmtest.Text("fresh")
		if down {
			step = llmtest.Fail(llmtest.ErrUnavailable)
		}
		step(ctx, req, stream, yield)
	}
	f := newField(t, flaky, llmtest.Fail(llmtest.ErrUnavailable), llmtest.Fail(llmtest.ErrUnavailable))
	for range 2 {
		if got := ask(t.Context(), f.model, false); got.text != "fresh" || got.md.Degraded != "" {
			t.Errorf("a model that answers: %q, degraded %q", got.text, got.md.Degraded)
		}
	}
	if asked := len(f.gemini.Asked()); asked != 2 {
		t.Errorf("the model was asked %d times, want 2: the file has no cache", asked)
	}

	down = true
	got := ask(t.Context(), f.model, false)
	if !strings.Contains(got.text, "fresh") || got.md.ModelName != "cached-answer" || got.md.Degraded != "cached-answer" {
		t.Errorf("kept answer: %q by %s, degraded %q", got.text, got.md.ModelName, got.md.Degraded)
	}
	other := askFor(t.Context(), f.model, false, &model.LLMRequest{Contents: genai.Text("something else")})
	if other.md.ModelName != "template-response" {
		t.Errorf("another question: %s answered, want template-response", other.md.ModelName)
	}
	if !slices.ContainsFunc(other.md.Attempts, func(a call.Attempt) bool {
		return a.Model == "cached-answer" && a.Reason == `condition "cache_hit" is false`
	}) {
		t.Errorf("attempts %+v do not say why the cached answer was skipped", other.md.Attempts)
	}
}

// "failure_threshold: 5, window: 60s, backoff: 30s", for failures and for what a
// condition found too slow alike. B72, B90
func TestBreakerOfTheField(t *testing.T) {
	for _, gemini := range []llmtest.Step{llmtest.Fail(llmtest.ErrUnavailable), silent} {
		synctest.Test(t, func(t *testing.T) {
			f := newField(t, gemini, llmtest.Text("gpt"), llmtest.Text("local"))
			for i := range 5 {
				if i > 0 {
					time.Sleep(10 * time.Second)
				}
				ask(t.Context(), f.model, false)
			}
			opened := time.Now()
			if got := ask(t.Context(), f.model, false); got.text != "gpt" || got.took != 0 {
				t.Errorf("with the breaker open: %q after %v", got.text, got.took)
			}
			if asked := len(f.gemini.Asked()); asked != 5 {
				t.Fatalf("gemini was asked %d times, want 5", asked)
			}
			time.Sleep(30*time.Second - time.Since(opened) - 1)
			ask(t.Context(), f.model, false)
			if asked := len(f.gemini.Asked()); asked != 5 {
				t.Errorf("gemini was asked within 30 s")
			}
			time.Sleep(time.Nanosecond)
			ask(t.Context(), f.model, false)
			if asked := len(f.gemini.Asked()); asked != 6 {
				t.Errorf("gemini was asked %d times after 30 s, want 6", asked)
			}
		})
	}
}
