package cascade_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
)

// judgedBy calls a cascade whose models answer cheap and "strong".
func judgedBy(ctx context.Context, j cascade.Judge, cheap llmtest.Step, streamed bool) (got llmtest.Seen, record []call.Attempt) {
	config, all := recorded(cascade.Config{Judges: []cascade.Judge{j}, JudgeTimeout: 2 * time.Second})
	got = llmtest.Ask(ctx, cascade.MustNew(config, llmtest.NewModel("flash", cheap), llmtest.NewModel("pro", llmtest.Text("strong"))), streamed)
	return got, *all
}

// A judge may take up to the timeout.
func TestLateJudgeCounts(t *testing.T) {
	judge := cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
		time.Sleep(1999 * time.Millisecond)
		return 1, nil
	})
	llmtest.InBubble(t, func(t *testing.T, streamed bool) {
		if got, record := judgedBy(t.Context(), judge, llmtest.Text("cheap"), streamed); len(record) != 1 || got.Metadata().ModelName != "flash" {
			t.Errorf("the consumer saw %q (%v), want the cheap answer", got.Stream, got.Err)
		}
	})
}

// What a function says when it fails is the attempt's message.
func TestErrorOfAJudgeIsRecorded(t *testing.T) {
	judge := cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
		return 1, errors.New("the classifier is down")
	})
	_, record := judgedBy(t.Context(), judge, llmtest.Text("cheap"), false)
	if record[0].Reason != "judge: it failed" || record[0].Message != "the classifier is down" {
		t.Errorf("record %+v, want the judge's error", record[0])
	}
}

// B39: the end of the caller's context ends a call whose judge is at work, even a deaf one.
func TestCancelledDuringAJudge(t *testing.T) {
	for name, judge := range map[string]cascade.Judge{
		"function": cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
			time.Sleep(time.Hour)
			return 1, nil
		}),
		"model": cascade.JudgeModel(llmtest.NewModel("grader", llmtest.Deaf(time.Hour, llmtest.Text("1"))), ""),
	} {
		t.Run(name, func(t *testing.T) {
			llmtest.InBubble(t, func(t *testing.T, streamed bool) {
				defer time.Sleep(2 * time.Hour) // the deaf one has ended then
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				started := time.Now()
				got, record := judgedBy(ctx, judge, llmtest.Respond(func() *model.LLMResponse { return whole("cheap", 7) }), streamed)
				if !errors.Is(got.Err, context.DeadlineExceeded) || got.Final != nil || time.Since(started) != time.Second {
					t.Errorf("the consumer saw %q (%v) after %v, want the end of its context at once", got.Stream, got.Err, time.Since(started))
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
	resp := llmtest.Counted(text, tokens)
	resp.Partial, resp.FinishReason = false, genai.FinishReasonStop
	return resp
}

// A judge does not change what others see, and judges what the user would see.
func TestJudgeFuncSeesRequestAndAnswer(t *testing.T) {
	judge := cascade.JudgeFunc(func(_ context.Context, req *model.LLMRequest, resp *model.LLMResponse) (float64, error) {
		if got := llmtest.TextOf(req.Contents[0]) + " " + llmtest.TextOf(resp.Content); got != "hi cheap" {
			t.Errorf("the judge sees %q", got)
		}
		req.Contents[0].Parts[0].Text, resp.Content.Parts[0].Text = "changed", "changed"
		return 1, nil
	})
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated(""), judge}},
		llmtest.NewModel("flash", llmtest.Text("cheap CONFIDENCE: 1")), llmtest.NewModel("pro", llmtest.Text("strong")))
	if got := llmtest.Ask(t.Context(), m, false); got.Stream != "[cheap]" {
		t.Errorf("the consumer saw %q (%v)", got.Stream, got.Err)
	}
}
