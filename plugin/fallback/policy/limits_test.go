package policy_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// murmurs ignores its context: it sends an empty chunk a second, for an hour, until
// nobody wants more.
func murmurs(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	for range 3600 {
		time.Sleep(time.Second)
		if !yield(&model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel}, Partial: true}, nil) {
			return
		}
	}
	yield(&model.LLMResponse{Content: genai.NewContentFromText("late", genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
}

// B119: the limits of a policy cut a model that ignores its context and goes on
// sending chunks without content, at its next chunk.
func TestLimitsOfAPolicyCutAModelThatGoesOnSending(t *testing.T) {
	for _, test := range []struct {
		name, file string
		want       string // the model that answers; "" for an error
		took       time.Duration
	}{
		{"a latency", "primary: a\nfallbacks: [{name: b, condition: \"latency > 5s\"}]\n", "b", 5 * time.Second},
		{"the later of two", "primary: a\nfallbacks: [{name: b, condition: \"latency > 2s && tenant == 'other' || latency > 5s\"}]\n", "b", 5 * time.Second},
		{"the total", "primary: a\nfallbacks: [{name: b}]\ntimeouts: {total: 5s}\n", "", 5 * time.Second},
		{"the total, a last resort", "primary: a\nfallbacks: [{name: b}, {name: template-response}]\ntimeouts: {total: 5s}\n", "template-response", 5 * time.Second},
		{"the time of an attempt", "primary: a\nfallbacks: [{name: b}]\ntimeouts: {attempt: 5s}\n", "b", 5 * time.Second},
		{"a latency within the total", "primary: a\nfallbacks: [{name: b, condition: \"latency > 5s\"}]\ntimeouts: {total: 20s}\n", "b", 5 * time.Second},
		{"a condition on the answer, too", "primary: a\nfallbacks: [{name: b, condition: \"latency > 5s || empty\"}]\n", "b", 5 * time.Second},
	} {
		for _, streamed := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := build(t, test.file, models(llmtest.NewModel("a", murmurs), llmtest.NewModel("b", llmtest.Text("b"))))
					got := ask(t.Context(), m, streamed)
					if got.took < test.took || got.took > test.took+time.Second {
						t.Errorf("streamed %v: it took %v, want %v and a chunk at most", streamed, got.took, test.took)
					}
					var late *failure.TimeoutError
					if test.want == "" && !errors.As(got.err, &late) || got.md.ModelName != test.want {
						t.Errorf("streamed %v: %q answered (%v), want %q", streamed, got.md.ModelName, got.err, test.want)
					}
				})
			})
		}
	}
}

// B123: an answer that a condition rejects is one failed attempt, with its tokens
// and its time.
func TestRejectedAnswerIsOneFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := after(time.Second, llmtest.Respond(func() *model.LLMResponse {
			return &model.LLMResponse{
				Content: genai.NewContentFromText("no", genai.RoleModel), FinishReason: genai.FinishReasonMaxTokens,
				UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 7, CandidatesTokenCount: 2},
			}
		}))
		m := build(t, "primary: a\nfallbacks: [{name: b, condition: \"finish_reason == 'MAX_TOKENS'\"}]\n", models(llmtest.NewModel("a", told), llmtest.NewModel("b", llmtest.Text("b"))))
		got := ask(t.Context(), m, true)
		if n := len(got.md.Attempts); n != 2 || got.text != "b" {
			t.Fatalf("%q with %d attempts (%v), want b with 2: %+v", got.text, n, got.err, got.md.Attempts)
		}
		a := got.md.Attempts[0]
		if a.Model != "a" || a.Outcome != call.Failed || a.Kind != string(failure.KindRejected) || a.Duration != time.Second || a.InputTokens != 7 || a.OutputTokens != 2 {
			t.Errorf("attempt %+v, want a rejected one of 1s with 7 and 2 tokens", a)
		}
	})
}

// B78, B92: when a changed file bounds what is spent, or no longer does, all else being
// the same, models are charged as it says.
func TestBudgetThatComesOrGoesWithAReload(t *testing.T) {
	const most = "primary: a\nbudgets: {max_output_tokens: 100000"
	l := live(t, most+"}"+priced, models(llmtest.NewModel("a", using("a", 100_000))))
	for _, test := range []struct {
		budget string
		want   int // of at most 100
	}{{"}", 100}, {", usd_per_day: 0.35}", 3}, {"}", 100}} {
		if err := l.Replace(t.Context(), parsed(t, most+test.budget+priced)); err != nil {
			t.Fatal(err)
		}
		if got := spend(t.Context(), l.Model()); got != test.want {
			t.Errorf("budgets %q: %d answers of 0.10 USD, want %d", test.budget, got, test.want)
		}
	}
}

// A file of the largest size is read whole, and one byte more is refused. B91
func TestLargestFile(t *testing.T) {
	const largest = 64 << 10
	const policyText = "primary: a\nfallbacks: [{name: b}]\n#"
	for size, ok := range map[int]bool{largest: true, largest + 1: false, 2 * largest: false} {
		file := filepath.Join(t.TempDir(), "fallback.yaml")
		if err := os.WriteFile(file, []byte(policyText+strings.Repeat("x", size-len(policyText))), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := policy.Load(t.Context(), file, quiet, named("a", "b"))
		if ok && err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if !ok && (err == nil || !strings.Contains(err.Error(), "file has more than 65536 bytes")) {
			t.Errorf("%d bytes: error %v, want one about its size", size, err)
		}
	}
}
