package policy_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// chainOf is a policy of models a, b, … with the conditions of those after a.
func chainOf(conditions ...string) string {
	var text strings.Builder
	text.WriteString("primary: a\nfallbacks:\n")
	for i, c := range conditions {
		fmt.Fprintf(&text, "  - {name: %c, condition: %q}\n", 'b'+i, c)
	}
	return text.String()
}

// A condition decides whether a failed attempt moves the call on to its entry;
// an entry that is skipped leaves the question to the next one.
func TestConditionsDecideAfterAFailure(t *testing.T) {
	for _, test := range []struct {
		name       string
		fails      error // of a
		conditions []string
		by         string
		skipped    string // why b was
	}{
		{"true", llmtest.ErrQuota, []string{"error"}, "b", ""},
		{"false", llmtest.ErrQuota, []string{"error_code == '503'", "error_code == '429'"}, "c", `condition "error_code == '503'" is false`},
		{"kind", llmtest.ErrUnavailable, []string{"error_kind == 'rate_limit'", "error_kind == 'overloaded'"}, "c", `condition "error_kind == 'rate_limit'" is false`},
		{"attempt", llmtest.ErrQuota, []string{"attempt > 1", "attempt == 1"}, "c", `condition "attempt > 1" is false`},
		{"an unknown confidence", llmtest.ErrQuota, []string{"confidence < 0.5", "true"}, "c", `condition "confidence < 0.5" is false`},
		{"an unknown price", llmtest.ErrQuota, []string{"cost > 0.05", "true"}, "c", `condition "cost > 0.05" is false`},
		{"no answer", llmtest.ErrQuota, []string{"1 / (attempt - 1) > 0", "true"}, "c", `condition "1 / (attempt - 1) > 0" has no answer`},
		{"tenant", llmtest.ErrQuota, []string{"tenant == 'b-only'", "labels['plan'] == 'paid'"}, "c", `condition "tenant == 'b-only'" is false`},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := named("b", "c")
			given["a"] = llmtest.NewModel("a", llmtest.Fail(test.fails))
			ctx := call.With(t.Context(), call.Info{Tenant: "acme", Labels: map[string]string{"plan": "paid"}})
			got := ask(ctx, build(t, chainOf(test.conditions...), given), false)
			if got.text != test.by || reasonOf(got, "b") != test.skipped {
				t.Errorf("%q answered (%v), b skipped because %q; want %s, %q", got.text, got.err, reasonOf(got, "b"), test.by, test.skipped)
			}
		})
	}
}

// A condition that has been true stays true for its entry, although the attempt
// that it spoke of has ended since.
func TestConditionsAreNotAskedTwice(t *testing.T) {
	m := build(t, chainOf("!error && cost > 0.001")+"models: {a: {price: {input: 0, output: 10}}}", named("a", "b"))
	if got := ask(t.Context(), m, false); got.text != "b" {
		t.Errorf("%q answered (%v), want b: a would have cost 0.01 USD", got.text, got.err)
	}
	synctest.Test(t, func(t *testing.T) {
		given := named("b")
		given["a"] = llmtest.NewModel("a", silent)
		if got := ask(t.Context(), build(t, chainOf("!error && latency > 1s"), given), false); got.text != "b" {
			t.Errorf("%q answered (%v), want b", got.text, got.err)
		}
	})
}

// The two attempts of a hedge are two, not three.
func TestAttemptsAreCounted(t *testing.T) {
	given := named("d", "e")
	for _, name := range []string{"a", "b", "c"} {
		given[name] = llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable))
	}
	m := build(t, chainOf("error", "error", "attempt != 3", "attempt == 3")+"hedge: {delay: 1m}", given)
	if got := ask(t.Context(), m, false); got.text != "e" {
		t.Errorf("%q answered (%v), want e", got.text, got.err)
	}
}

// When no entry's condition is met, the error is that of the model.
func TestNoConditionMet(t *testing.T) {
	given := named("b")
	given["a"] = llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota))
	got := ask(t.Context(), build(t, chainOf("error_code == '503'"), given), false)
	if api := (genai.APIError{}); !errors.As(got.err, &api) || api.Code != 429 {
		t.Errorf("error %v, want the model's", got.err)
	}
}

// A condition speaks of the attempt before it, not of one that never reached a
// model in between.
func TestConditionsSpeakOfAttempts(t *testing.T) {
	given := named("c")
	given["a"], given["b"] = llmtest.NewModel("a", llmtest.Fail(llmtest.ErrQuota)), llmtest.NewModel("b", llmtest.Text("b"))
	m := build(t, chainOf("true", "error_code == '429'")+"flags: {f: {targets: [b], default: false}}", given)
	if got := ask(t.Context(), m, false); got.text != "c" {
		t.Errorf("%q answered (%v), want c: the attempt before it failed with 429", got.text, got.err)
	}
}

// The caller's cancellation is the caller's, whatever conditions say. B39
func TestConditionsAndTheCallersCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given := named("b")
		given["a"] = llmtest.NewModel("a", silent)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := ask(ctx, build(t, chainOf("error || latency > 2s"), given), false)
		if !errors.Is(got.err, context.DeadlineExceeded) || got.took != time.Second {
			t.Errorf("%q, %v after %v; want the caller's deadline after 1s", got.text, got.err, got.took)
		}
	})
}

// A condition on the price is asked before the attempt only if the price is known.
func TestUnknownPriceSkipsNobody(t *testing.T) {
	for prices, want := range map[string]string{"": "a", "models: {a: {price: {input: 0, output: 10}}}": "b"} {
		m := build(t, chainOf("!(cost < 0.001)")+prices, named("a", "b"))
		if got := ask(t.Context(), m, false); got.text != want {
			t.Errorf("prices %q: %q (%v), want %s", prices, got.text, got.err, want)
		}
	}
}

func answer(text string, reason genai.FinishReason, logprobs float64) llmtest.Step {
	return func(_ context.Context, _ *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if stream && !yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), Partial: true}, nil) {
			return
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: reason, AvgLogprobs: logprobs}, nil)
	}
}

// thinking answers with a thought, and text beside it.
func thinking(text string) llmtest.Step {
	return llmtest.Respond(func() *model.LLMResponse {
		thought := &genai.Part{Text: "hm", Thought: true}
		return &model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{Text: text}, thought}}, FinishReason: genai.FinishReasonStop}
	})
}

// words answers with the log-probability of each word, and no average.
func words(logprobs ...float32) llmtest.Step {
	return llmtest.Respond(func() *model.LLMResponse {
		result := &genai.LogprobsResult{}
		for _, p := range logprobs {
			result.ChosenCandidates = append(result.ChosenCandidates, &genai.LogprobsResultCandidate{LogProbability: p})
		}
		return &model.LLMResponse{Content: genai.NewContentFromText("a", genai.RoleModel), FinishReason: genai.FinishReasonStop, LogprobsResult: result}
	})
}

// An answer is given up only by a condition that names what answers have, and
// then nothing of it is seen.
func TestConditionsOnAnswers(t *testing.T) {
	const stop = genai.FinishReasonStop
	for _, test := range []struct {
		condition string
		a         llmtest.Step
		by        string
	}{
		{"true", answer("a", stop, 0), "a"},
		{"latency >= 0s", answer("a", stop, 0), "a"},
		{"confidence < 80%", answer("a", stop, -0.5), "b"}, // e^-0.5 = 61 %
		{"confidence < 80%", answer("a", stop, -0.1), "a"}, // e^-0.1 = 90 %
		{"confidence < 80%", answer("a", stop, 0), "a"},    // not known
		{"finish_reason == 'MAX_TOKENS'", answer("a", genai.FinishReasonMaxTokens, 0), "b"},
		{"finish_reason == 'MAX_TOKENS'", answer("a", stop, 0), "a"},
		{"empty", answer(" \n", stop, 0), "b"},
		{"empty", answer("a", stop, 0), "a"},
		{"!error && empty", thinking(" \n"), "b"}, // thoughts are no answer
		{"!error && empty", thinking("a"), "a"},
		{"confidence < 80%", words(-0.1, -0.3), "a"}, // e^-0.2 = 82 %
		{"confidence < 83%", words(-0.1, -0.3), "b"},
	} {
		for _, streamed := range []bool{false, true} {
			given := named("b")
			given["a"] = llmtest.NewModel("a", test.a)
			m := build(t, chainOf(test.condition), given)
			var shown strings.Builder
			for resp, err := range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("x")}, streamed) {
				if err != nil {
					t.Fatalf("%s: %v", test.condition, err)
				}
				if shown.WriteString(resp.Content.Parts[0].Text); resp.Partial {
					continue
				}
				md, _ := call.ReadResponse(resp)
				if md.ModelName != test.by {
					t.Errorf("%s: %s answered, want %s", test.condition, md.ModelName, test.by)
				}
				if test.by == "b" && md.Attempts[0].Kind != string(failure.KindRejected) {
					t.Errorf("%s: attempts %+v, want one that was rejected", test.condition, md.Attempts)
				}
			}
			if strings.Trim(shown.String(), test.by) != "" {
				t.Errorf("%s: the consumer has seen %q", test.condition, shown.String())
			}
		}
	}
}

// errors.codes: only what is listed moves on, whatever it is; our own limits do
// in any case.
func TestErrorCodesDecideWhatMovesOn(t *testing.T) {
	const codes = "errors: {codes: [429, UNAUTHENTICATED]}\ntimeouts: {primary: 1s}\n"
	badKey := genai.APIError{Code: 401, Status: "UNAUTHENTICATED", Message: "API key not valid."}
	for _, test := range []struct {
		name string
		a    llmtest.Step
		by   string // empty for the error
		file string // instead of codes
	}{
		{"listed", llmtest.Fail(llmtest.ErrQuota), "b", ""},
		{"not listed", llmtest.Fail(llmtest.ErrUnavailable), "", ""},
		{"listed, and else a failure to stop at", llmtest.Fail(badKey), "b", ""},
		{"our own timeout", silent, "b", ""},
		{"of a kind that is listed", llmtest.Fail(io.ErrUnexpectedEOF), "b", "errors: {codes: [network, truncated]}\n"},
		{"of a kind that is listed in capitals", llmtest.Fail(llmtest.ErrUnavailable), "b", "errors: {codes: [Overloaded]}\n"},
		{"of a kind that is not listed", llmtest.Fail(llmtest.ErrQuota), "", "errors: {codes: [network, overloaded]}\n"},
		{"any", llmtest.Fail(llmtest.ErrUnavailable), "b", "errors: {codes: [any]}\n"},
		{"any, and a bad key", llmtest.Fail(badKey), "", "errors: {codes: [any]}\n"},
		{"any, and a bad key that is listed", llmtest.Fail(badKey), "b", "errors: {codes: [any, auth]}\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			given := named("b")
			given["a"] = llmtest.NewModel("a", test.a)
			if got := ask(t.Context(), build(t, chainOf("error")+cmp.Or(test.file, codes), given), false); got.text != test.by || (got.err == nil) != (test.by != "") {
				t.Errorf("%s: %q, %v; want %q", test.name, got.text, got.err, test.by)
			}
		})
	}
}
