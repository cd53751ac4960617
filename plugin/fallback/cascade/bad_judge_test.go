package cascade_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// badError is an error whose methods panic, as those of a nil pointer do.
type badError struct{ text string }

func (e *badError) Error() string { return e.text }

// badJudge is a case of a judge that has no confidence in an answer.
type badJudge struct {
	judge  cascade.Judge
	cheap  llmtest.Step  // of the cheap model; nil for "cheap"
	reason string        // why the answer is rejected
	took   time.Duration // by the whole call
}

// B80: whatever becomes of a judge of any kind, the call goes on, and the record says why.
func TestBadJudges(t *testing.T) {
	for kind, cases := range map[string]map[string]badJudge{
		"logprobs": badLogProbs(), "stated": badStatements(), "checks": badChecks(), "function": badFunctions(), "model": badGraders(),
	} {
		for name, test := range cases {
			t.Run(kind+"/"+name, func(t *testing.T) {
				llmtest.InBubble(t, func(t *testing.T, streamed bool) {
					defer time.Sleep(2 * time.Hour) // the deaf ones have ended then
					cheap := test.cheap
					if cheap == nil {
						cheap = llmtest.Text("cheap")
					}
					started := time.Now()
					got, record := judgedBy(t.Context(), test.judge, cheap, streamed)
					var list []string
					for _, a := range record {
						if a.Model != "grader" {
							list = append(list, attempts([]call.Attempt{a})...)
						}
					}
					if diff := cmp.Diff([]string{"flash failed: judge: " + test.reason, "pro ok"}, list); diff != "" {
						t.Errorf("record (-want +got):\n%s", diff)
					}
					if got.Err != nil || got.Final == nil || llmtest.TextOf(got.Final.Content) != "strong" || got.Metadata().Reason != "judge: "+test.reason {
						t.Errorf("the consumer saw %q (%v) because of %q, want the strong model's answer", got.Stream, got.Err, got.Metadata().Reason)
					}
					if took := time.Since(started); took != test.took {
						t.Errorf("took %v, want %v", took, test.took)
					}
				})
			})
		}
	}
}

func badLogProbs() map[string]badJudge {
	judge := cascade.JudgeLogProbs(true)
	tokens := func(value float64) llmtest.Step {
		return llmtest.Respond(func() *model.LLMResponse { return logprobs(whole("cheap", 1), float32(value), -0.1) })
	}
	average := func(value float64) llmtest.Step {
		return llmtest.Respond(func() *model.LLMResponse { return averaging(whole("cheap", 1), value) })
	}
	return map[string]badJudge{
		"none":                  {judge, nil, "the answer has no log-probabilities", 0},
		"tokens, NaN":           {judge, tokens(math.NaN()), "the answer has no log-probabilities", 0},
		"tokens, infinite":      {judge, tokens(math.Inf(1)), "confidence +Inf is not from 0 to 1", 0},
		"tokens, impossible":    {judge, tokens(math.Inf(-1)), "confidence 0 below 0.8", 0},
		"average, NaN":          {judge, average(math.NaN()), "the answer has no log-probabilities", 0},
		"average, infinite":     {judge, average(math.Inf(1)), "confidence +Inf is not from 0 to 1", 0},
		"average, impossible":   {judge, average(math.Inf(-1)), "confidence 0 below 0.8", 0},
		"average, more than 1":  {judge, average(math.Log(1.5)), "confidence 1.5 is not from 0 to 1", 0},
		"in pieces, infinite":   {judge, llmtest.Send(logprobs(llmtest.Chunk("che"), -0.1), logprobs(llmtest.Chunk("ap"), float32(math.Inf(1))), whole("cheap", 1)), "confidence +Inf is not from 0 to 1", 0},
		"in pieces, of nothing": {judge, llmtest.Send(logprobs(llmtest.Chunk("che")), logprobs(llmtest.Chunk("ap")), whole("cheap", 1)), "the answer has no log-probabilities", 0},
	}
}

func badStatements() map[string]badJudge {
	cases := map[string]badJudge{}
	for text, reason := range map[string]string{
		"Paris.":                     "the answer states no confidence",
		"Paris.\nCONFIDENCE: NaN":    "the answer states no confidence",
		"Paris.\nCONFIDENCE: high":   "the answer states no confidence",
		"Paris.\nCONFIDENCE: 1e999":  "the answer states no confidence",
		"Paris.\nCONFIDENCE: 1/0":    "the answer states no confidence",
		"Paris.\nCONFIDENCE: +Inf":   "confidence +Inf is not from 0 to 1",
		"Paris.\nCONFIDENCE: -Inf":   "confidence -Inf is not from 0 to 1",
		"Paris.\nCONFIDENCE: -0.5":   "confidence -0.5 is not from 0 to 1",
		"Paris.\nCONFIDENCE: 1.01":   "confidence 1.01 is not from 0 to 1",
		"Paris.\nCONFIDENCE: 101%":   "confidence 1.01 is not from 0 to 1",
		"CONFIDENCE: 1":              "it states a confidence and nothing else",
		"CONFIDENCE: 1\nCONFIDENCE:": "it states a confidence and nothing else",
	} {
		cases[text] = badJudge{cascade.JudgeStated(cascade.AskConfidence), llmtest.Text(text), reason, 0}
	}
	return cases
}

func badChecks() map[string]badJudge {
	check := func(f func(ctx context.Context) error) cascade.Judge {
		return cascade.JudgeChecks(middleware.ValidateConfig{Func: func(ctx context.Context, _ *model.LLMRequest, _ *model.LLMResponse) error { return f(ctx) }})
	}
	var none *badError
	const no = "the function does not accept it"
	return map[string]badJudge{
		"panics":               {check(func(context.Context) error { panic("boom") }), nil, no + ": middleware: ValidateConfig.Func panicked", 0},
		"an error that panics": {check(func(context.Context) error { return none }), nil, no + ": middleware: ValidateConfig.Func panicked", 0},
		"ends its goroutine":   {check(func(context.Context) error { runtime.Goexit(); return nil }), nil, "it failed", 0},
		"hangs":                {check(func(ctx context.Context) error { <-ctx.Done(); return nil }), nil, "no verdict within 2s", 2 * time.Second},
		"hangs deafly":         {check(func(context.Context) error { time.Sleep(time.Hour); return nil }), nil, "no verdict within 2s", 2 * time.Second},
	}
}

func badFunctions() map[string]badJudge {
	judge := func(f func(ctx context.Context) (float64, error)) cascade.Judge {
		return cascade.JudgeFunc(func(ctx context.Context, _ *model.LLMRequest, _ *model.LLMResponse) (float64, error) { return f(ctx) })
	}
	says := func(value float64, err error) cascade.Judge {
		return judge(func(context.Context) (float64, error) { return value, err })
	}
	var none *badError
	return map[string]badJudge{
		"panics":               {judge(func(context.Context) (float64, error) { panic("boom") }), nil, "it panicked", 0},
		"panics with 0":        {judge(func(context.Context) (float64, error) { panic(0) }), nil, "it panicked", 0},
		"an error":             {says(1, errors.New("down")), nil, "it failed", 0},
		"an error that panics": {says(1, none), nil, "it panicked", 0},
		"ends its goroutine":   {judge(func(context.Context) (float64, error) { runtime.Goexit(); return 1, nil }), nil, "it failed", 0},
		"NaN":                  {says(math.NaN(), nil), nil, "confidence NaN is not from 0 to 1", 0},
		"+Inf":                 {says(math.Inf(1), nil), nil, "confidence +Inf is not from 0 to 1", 0},
		"-Inf":                 {says(math.Inf(-1), nil), nil, "confidence -Inf is not from 0 to 1", 0},
		"negative":             {says(-0.1, nil), nil, "confidence -0.1 is not from 0 to 1", 0},
		"more than 1":          {says(1.01, nil), nil, "confidence 1.01 is not from 0 to 1", 0},
		"hangs":                {judge(func(ctx context.Context) (float64, error) { <-ctx.Done(); return 1, ctx.Err() }), nil, "no verdict within 2s", 2 * time.Second},
		"hangs deafly":         {judge(func(context.Context) (float64, error) { time.Sleep(time.Hour); return 1, nil }), nil, "no verdict within 2s", 2 * time.Second},
	}
}

func badGraders() map[string]badJudge {
	grader := func(step llmtest.Step) cascade.Judge { return cascade.JudgeModel(llmtest.NewModel("grader", step), "") }
	panicking := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { panic("boom") }
	ending := func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) { runtime.Goexit() }
	calling := llmtest.Call("1", "look", "", nil)
	cases := map[string]badJudge{
		"fails":              {grader(llmtest.Fail(llmtest.ErrQuota)), nil, "it failed", 0},
		"panics":             {grader(panicking), nil, "it failed", 0},
		"ends its goroutine": {grader(ending), nil, "it failed", 0},
		"hangs":              {grader(llmtest.Within(time.Hour, llmtest.Text("1"))), nil, "no verdict within 2s", 2 * time.Second},
		"hangs deafly":       {grader(llmtest.Deaf(time.Hour, llmtest.Text("1"))), nil, "no verdict within 2s", 2 * time.Second},
		"nothing":            {grader(llmtest.Send()), nil, "it failed", 0},
		"an empty answer":    {grader(llmtest.Mute(genai.FinishReasonStop)), nil, "it failed", 0},
		"only thoughts":      {grader(llmtest.Mute(genai.FinishReasonStop, "CONFIDENCE: 1")), nil, "it failed", 0},
		"a nil response":     {grader(llmtest.Send(nil)), nil, "it failed", 0},
		"only pieces":        {grader(llmtest.Send(llmtest.Chunk("CONFIDENCE: 1"))), nil, "it failed", 0},
		"calls a function":   {grader(calling), nil, "its reply has no confidence", 0},
	}
	for reply, reason := range map[string]string{
		"It is fine.":      "its reply has no confidence",
		"0.9 or so":        "its reply has no confidence",
		"1e999":            "its reply has no confidence",
		"CONFIDENCE: high": "confidence NaN is not from 0 to 1",
		"NaN":              "confidence NaN is not from 0 to 1",
		"CONFIDENCE: NaN":  "confidence NaN is not from 0 to 1",
		"+Inf":             "confidence +Inf is not from 0 to 1",
		"CONFIDENCE: Inf":  "confidence +Inf is not from 0 to 1",
		"-0.5":             "confidence -0.5 is not from 0 to 1",
		"CONFIDENCE: -0.5": "confidence -0.5 is not from 0 to 1",
		"CONFIDENCE: 1.5":  "confidence 1.5 is not from 0 to 1",
		"CONFIDENCE: 150%": "confidence 1.5 is not from 0 to 1",
	} {
		cases["reply "+reply] = badJudge{grader(llmtest.Text(reply)), nil, reason, 0}
	}
	return cases
}
