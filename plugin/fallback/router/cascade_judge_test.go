package router_test

import (
	"context"
	"errors"
	"math"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// judgedBy calls a cascade whose models answer cheap and "strong".
func judgedBy(ctx context.Context, j router.Judge, cheap suite.Step, streamed bool) (got seen, record []call.Attempt) {
	config, all := recorded(router.CascadeConfig{Judges: []router.Judge{j}, JudgeTimeout: 2 * time.Second})
	got = ask(ctx, router.MustCascade(config, suite.NewModel("flash", cheap), suite.NewModel("pro", suite.Text("strong"))), streamed)
	return got, *all
}

// B80: whatever becomes of a judge, the call goes on, and the record says why.
func TestJudgeThatFails(t *testing.T) {
	judge := func(f func(ctx context.Context) (float64, error)) router.Judge {
		return router.JudgeFunc(func(ctx context.Context, _ *model.LLMRequest, _ *model.LLMResponse) (float64, error) { return f(ctx) })
	}
	for name, test := range map[string]struct {
		judge  func(ctx context.Context) (float64, error)
		reason string
		took   time.Duration
	}{
		"panics":         {func(context.Context) (float64, error) { panic("boom") }, "judge: it panicked", 0},
		"panics with 0":  {func(context.Context) (float64, error) { panic(0) }, "judge: it panicked", 0},
		"NaN":            {func(context.Context) (float64, error) { return math.NaN(), nil }, "judge: confidence NaN is not from 0 to 1", 0},
		"more than 1":    {func(context.Context) (float64, error) { return 1.01, nil }, "judge: confidence 1.01 is not from 0 to 1", 0},
		"infinite":       {func(context.Context) (float64, error) { return math.Inf(1), nil }, "judge: confidence +Inf is not from 0 to 1", 0},
		"negative":       {func(context.Context) (float64, error) { return -0.1, nil }, "judge: confidence -0.1 is not from 0 to 1", 0},
		"an error":       {func(context.Context) (float64, error) { return 1, errors.New("the classifier is down") }, "judge: it failed", 0},
		"ends goroutine": {func(context.Context) (float64, error) { runtime.Goexit(); return 1, nil }, "judge: it failed", 0},
		"hangs":          {func(ctx context.Context) (float64, error) { <-ctx.Done(); return 1, ctx.Err() }, "judge: no verdict within 2s", 2 * time.Second},
		"hangs deafly":   {func(context.Context) (float64, error) { time.Sleep(time.Hour); return 1, nil }, "judge: no verdict within 2s", 2 * time.Second},
		"late but sure":  {func(context.Context) (float64, error) { time.Sleep(1999 * time.Millisecond); return 1, nil }, "", 1999 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				defer time.Sleep(2 * time.Hour) // the deaf one has ended then
				started := time.Now()
				got, record := judgedBy(t.Context(), judge(test.judge), suite.Text("cheap"), streamed)
				want := []string{"flash failed: " + test.reason, "pro ok"}
				if test.reason == "" {
					want = []string{"flash ok"}
				}
				if diff := cmp.Diff(want, attempts(record)); diff != "" || got.err != nil || got.final == nil {
					t.Errorf("the consumer saw %q (%v); record (-want +got):\n%s", got.stream, got.err, diff)
				}
				if took := time.Since(started); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if name == "an error" && record[0].Message != "the classifier is down" {
					t.Errorf("message %q, want the judge's", record[0].Message)
				}
			})
		})
	}
}

// B39: the end of the caller's context ends a call whose judge is at work, even a deaf one.
func TestCancelledDuringAJudge(t *testing.T) {
	for name, judge := range map[string]router.Judge{
		"function": router.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
			time.Sleep(time.Hour)
			return 1, nil
		}),
		"model": router.JudgeModel(suite.NewModel("grader", deaf(time.Hour, suite.Text("1"))), ""),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				defer time.Sleep(2 * time.Hour) // the deaf one has ended then
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				started := time.Now()
				got, record := judgedBy(ctx, judge, suite.Respond(func() *model.LLMResponse { return whole("cheap", 7) }), streamed)
				if !errors.Is(got.err, context.DeadlineExceeded) || got.final != nil || time.Since(started) != time.Second {
					t.Errorf("the consumer saw %q (%v) after %v, want the end of its context at once", got.stream, got.err, time.Since(started))
				}
				last := record[len(record)-1]
				if last.Model != "flash" || last.Outcome != call.Failed || last.InputTokens != 7 {
					t.Errorf("record %+v, want the cheap model's attempt with its tokens", record)
				}
			})
		})
	}
}

func whole(text string, tokens int32) *model.LLMResponse {
	resp := counted(text, tokens)
	resp.Partial, resp.FinishReason = false, genai.FinishReasonStop
	return resp
}

// logprobs returns a piece with tokens of these log-probabilities.
func logprobs(resp *model.LLMResponse, values ...float32) *model.LLMResponse {
	resp.LogprobsResult = &genai.LogprobsResult{}
	for _, p := range values {
		resp.LogprobsResult.ChosenCandidates = append(resp.LogprobsResult.ChosenCandidates, &genai.LogprobsResultCandidate{Token: "x", LogProbability: p})
	}
	return resp
}

func TestJudgeLogProbs(t *testing.T) {
	average := func(value float64) *model.LLMResponse {
		resp := whole("cheap", 1)
		resp.AvgLogprobs = value
		return resp
	}
	for name, test := range map[string]struct {
		step   suite.Step
		reason string // "" if the answer is accepted
	}{
		"average, sure":         {send(average(-0.1)), ""},
		"average, unsure":       {send(average(-1)), "judge: confidence 0.367 below 0.8"},
		"tokens":                {send(logprobs(whole("cheap", 1), -0.5, -1.5)), "judge: confidence 0.367 below 0.8"},
		"none":                  {send(whole("cheap", 1)), "judge: the answer has no log-probabilities"},
		"in the pieces, unsure": {send(logprobs(chunk("che"), -0.5), logprobs(chunk("ap"), -1.5), whole("cheap", 1)), "judge: confidence 0.367 below 0.8"},
		"in the pieces, sure":   {send(logprobs(chunk("che"), -0.1), logprobs(chunk("ap"), -0.1), whole("cheap", 1)), ""},
		"not a number":          {send(logprobs(whole("cheap", 1), float32(math.NaN()))), "judge: the answer has no log-probabilities"},
	} {
		t.Run(name, func(t *testing.T) {
			got, record := judgedBy(t.Context(), router.JudgeLogProbs(true), test.step, true)
			want := []string{"flash failed: " + test.reason, "pro ok"}
			if test.reason == "" {
				want = []string{"flash ok"}
			}
			if diff := cmp.Diff(want, attempts(record)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.final.LogprobsResult != nil {
				t.Error("the answer has log-probabilities that only the cascade has asked for")
			}
		})
	}
}

// Log-probabilities are asked for where the target takes them, and stay in the answer if
// the caller asks for them too.
func TestLogProbsAreAskedFor(t *testing.T) {
	no := false
	for name, test := range map[string]struct {
		ask, callers bool
		takes        *bool
		want         bool
	}{
		"asked":            {true, false, nil, true},
		"not asked":        {false, false, nil, false},
		"not taken":        {true, false, &no, false},
		"the caller's own": {true, true, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			cheap := suite.NewModel("flash", send(logprobs(whole("cheap", 1), -0.1)))
			target := router.Describe(cheap, router.Traits{Target: provider.Target{Takes: provider.Takes{Logprobs: test.takes}}})
			m := router.MustCascade(router.CascadeConfig{Judges: []router.Judge{router.JudgeLogProbs(test.ask)}}, target, suite.NewModel("pro", suite.Text("strong")))
			req := userSays("hi")
			if test.callers {
				req.Config = &genai.GenerateContentConfig{ResponseLogprobs: true}
			}
			got := collect(m.GenerateContent(t.Context(), req, false))
			if config := cheap.Requests()[0].Config; (config != nil && config.ResponseLogprobs) != test.want {
				t.Errorf("log-probabilities asked for: %t, want %t", !test.want, test.want)
			}
			if kept := got.final.LogprobsResult != nil; kept != (test.callers || !test.ask) {
				t.Errorf("log-probabilities in the answer: %t", kept)
			}
		})
	}
}

func TestJudgeChecks(t *testing.T) {
	digits := regexp.MustCompile(`\d`)
	for name, test := range map[string]struct {
		config middleware.ValidateConfig
		reason string
	}{
		"a length":   {middleware.ValidateConfig{MinLength: 10}, "judge: it has 5 characters, fewer than 10"},
		"a pattern":  {middleware.ValidateConfig{Pattern: digits}, "judge: it does not match the pattern"},
		"a function": {middleware.ValidateConfig{Func: func(context.Context, *model.LLMRequest, *model.LLMResponse) error { return errors.New("no") }}, "judge: the function does not accept it"},
		"kept":       {middleware.ValidateConfig{MinLength: 5}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := judgedBy(t.Context(), router.JudgeChecks(test.config), suite.Text("cheap"), true)
			if got.metadata().Reason != test.reason {
				t.Errorf("reason %q, want %q", got.metadata().Reason, test.reason)
			}
		})
	}
	schema := userSays("hi")
	schema.Config = &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Type: genai.TypeObject}}
	m := router.MustCascade(router.CascadeConfig{Judges: []router.Judge{router.JudgeChecks(middleware.ValidateConfig{})}, Hold: true},
		suite.NewModel("flash", suite.Text("cheap"), suite.Text("{}")), suite.NewModel("pro", suite.Text(`{"by": "pro"}`)))
	for _, want := range []string{`{"by": "pro"}[{"by": "pro"}]`, "{}[{}]"} {
		if got := collect(m.GenerateContent(t.Context(), schema, true)); got.stream != want {
			t.Errorf("the consumer saw %q, want %q", got.stream, want)
		}
	}
	if _, err := router.NewCascade(router.CascadeConfig{Judges: []router.Judge{router.JudgeChecks(middleware.ValidateConfig{SkipSchema: true})}},
		suite.NewModel("a"), suite.NewModel("b")); err == nil || !strings.Contains(err.Error(), "CascadeConfig.Judges[0]: middleware: ValidateConfig") {
		t.Errorf("error %v, want that of the checks", err)
	}
}

// B78, B123: a model as judge is on record and charged, once for each call, and so are a
// rejected answer and the one that replaces it.
func TestJudgeModelIsChargedAndRecorded(t *testing.T) {
	for name, test := range map[string]struct {
		reply  string
		record []string
		spent  float64
	}{
		"accepts":          {"CONFIDENCE: 0.9", []string{"grader ok: judge of an answer 5", "flash ok 3"}, 8},
		"a bare number":    {" 0.9\n", []string{"grader ok: judge of an answer 5", "flash ok 3"}, 8},
		"rejects":          {"CONFIDENCE: 0.1", []string{"grader ok: judge of an answer 5", "flash failed: judge: confidence 0.1 below 0.8 3", "pro ok 11"}, 19},
		"reply in prose":   {"It is fine.", []string{"grader ok: judge of an answer 5", "flash failed: judge: its reply has no confidence 3", "pro ok 11"}, 19},
		"reply is no text": {"CONFIDENCE: NaN", []string{"grader ok: judge of an answer 5", "flash failed: judge: confidence NaN is not from 0 to 1 3", "pro ok 11"}, 19},
	} {
		t.Run(name, func(t *testing.T) {
			for _, streamed := range []bool{false, true} {
				budget := middleware.MustBudget(middleware.BudgetConfig{
					Price: func(string, *model.LLMRequest) (float64, bool) { return 1000, true },
					Cost: func(_ string, u *genai.GenerateContentResponseUsageMetadata) float64 {
						return float64(u.PromptTokenCount)
					},
				})
				charged := func(name, text string, tokens int32) model.LLM {
					return budget.Middleware()(suite.NewModel(name, send(whole(text, tokens))))
				}
				config, record := recorded(router.CascadeConfig{Judges: []router.Judge{router.JudgeModel(charged("grader", test.reply, 5), "")}})
				got := ask(t.Context(), router.MustCascade(config, charged("flash", "cheap", 3), charged("pro", "strong", 11)), streamed)
				var list []string
				for i, line := range attempts(*record) {
					list = append(list, line+" "+strconv.Itoa((*record)[i].InputTokens))
				}
				if diff := cmp.Diff(test.record, list); diff != "" || got.err != nil {
					t.Errorf("error %v; record (-want +got):\n%s", got.err, diff)
				}
				if spent := budget.Spent(""); spent != test.spent {
					t.Errorf("charged %v, want %v", spent, test.spent)
				}
			}
		})
	}
}

// A model as judge that fails, hangs or is refused by a guard rejects the answer.
func TestJudgeModelThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		grader suite.Step
		record []string
	}{
		"fails": {suite.Fail(suite.ErrQuota), []string{"grader failed", "flash failed", "pro ok"}},
		"hangs": {within(time.Hour, suite.Text("1")), []string{"grader failed", "flash failed", "pro ok"}},
		"deaf":  {deaf(time.Hour, suite.Text("1")), []string{"grader failed", "flash failed", "pro ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, streamed bool) {
				defer time.Sleep(2 * time.Hour) // the deaf one has ended then
				got, record := judgedBy(t.Context(), router.JudgeModel(suite.NewModel("grader", test.grader), ""), suite.Text("cheap"), streamed)
				var outcomes []string
				for _, a := range record {
					outcomes = append(outcomes, a.Model+" "+string(a.Outcome))
				}
				if diff := cmp.Diff(test.record, outcomes); diff != "" || got.err != nil {
					t.Errorf("error %v; record (-want +got):\n%s", got.err, diff)
				}
				if want := "judge: no verdict within 2s"; name != "fails" && got.metadata().Reason != want {
					t.Errorf("reason %q, want %q", got.metadata().Reason, want)
				}
			})
		})
	}
}

// The judge reads the conversation and the answer, within its bounds, and no thoughts.
func TestJudgeModelReadsTheConversation(t *testing.T) {
	grader := suite.NewModel("grader", suite.Text("1"))
	m := router.MustCascade(router.CascadeConfig{Judges: []router.Judge{router.JudgeModel(grader, "Is it polite?")}},
		suite.NewModel("flash", suite.Text("It is 7 degrees.")), suite.NewModel("pro", suite.Text("strong")))
	req := &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText(strings.Repeat("long ago ", 10_000), genai.RoleUser),
		genai.NewContentFromText("How warm is it?", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "a secret thought", Thought: true}, {FunctionCall: &genai.FunctionCall{Name: "weather"}}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "weather", Response: map[string]any{"celsius": 7}}}}},
	}}
	collect(m.GenerateContent(t.Context(), req, false))
	asked := grader.Requests()[0]
	text := suite.TextOf(asked.Contents[0])
	for _, want := range []string{"user: How warm is it?", `[weather returned {"celsius":7}]`, "<answer>\nIt is 7 degrees.\n</answer>", "long ago"} {
		if !strings.Contains(text, want) {
			t.Errorf("the judge does not read %q", want)
		}
	}
	if strings.Contains(text, "secret") || len(text) > 20<<10 || suite.TextOf(asked.Config.SystemInstruction) != "Is it polite?" {
		t.Errorf("the judge reads %d bytes, and as its instruction %q", len(text), suite.TextOf(asked.Config.SystemInstruction))
	}
}

// A judge does not change what others see, and judges what the user would see.
func TestJudgeFuncSeesRequestAndAnswer(t *testing.T) {
	judge := router.JudgeFunc(func(_ context.Context, req *model.LLMRequest, resp *model.LLMResponse) (float64, error) {
		if got := suite.TextOf(req.Contents[0]) + " " + suite.TextOf(resp.Content); got != "hi cheap" {
			t.Errorf("the judge sees %q", got)
		}
		req.Contents[0].Parts[0].Text, resp.Content.Parts[0].Text = "changed", "changed"
		return 1, nil
	})
	m := router.MustCascade(router.CascadeConfig{Judges: []router.Judge{router.JudgeStated(""), judge}},
		suite.NewModel("flash", suite.Text("cheap CONFIDENCE: 1")), suite.NewModel("pro", suite.Text("strong")))
	if got := ask(t.Context(), m, false); got.stream != "[cheap]" {
		t.Errorf("the consumer saw %q (%v)", got.stream, got.err)
	}
}
