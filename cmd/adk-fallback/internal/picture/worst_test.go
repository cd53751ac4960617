package picture_test

import (
	"context"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/foresight"
	"github.com/adk-fallback/adk-fallback/cmd/adk-fallback/internal/picture"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// stubborn makes calls last: it says nothing for a while, then fails, or streams
// an answer.
type stubborn struct {
	name   string
	silent time.Duration
	err    error // nil for an answer
	flows  time.Duration
	asked  *atomic.Int32
}

func (m *stubborn) Name() string { return m.name }

func (m *stubborn) GenerateContent(ctx context.Context, _ *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		m.asked.Add(1)
		if !pause(ctx, m.silent) {
			yield(nil, ctx.Err())
			return
		}
		if m.err != nil {
			yield(nil, m.err)
			return
		}
		content := genai.NewContentFromText("a", genai.RoleModel)
		if streamed && !yield(&model.LLMResponse{Content: content, Partial: true}, nil) {
			return
		}
		if !pause(ctx, m.flows) {
			yield(nil, ctx.Err())
			return
		}
		yield(&model.LLMResponse{Content: content, FinishReason: genai.FinishReasonStop, TurnComplete: true}, nil)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

const chainOfThree = "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: error}, {name: gpt-5, condition: error}]\n"

// B70: no call outlasts the worst case, and each is as bad as it can be.
func TestWorstCaseIsWhatACallMeets(t *testing.T) {
	overloaded := failure.Verdict{Action: failure.Retry, Kind: failure.KindOverloaded, Scope: failure.ScopeModel, RetryAfter: 20 * time.Second}.Err()
	const ever = time.Hour
	for _, test := range []struct {
		name     string
		file     string
		model    stubborn
		streamed bool
		attempts int
		waiting  time.Duration // 0 for no bound
		slack    time.Duration // how much less this model makes of it
	}{
		{
			name:     "conditions on latency",
			file:     "primary: gemini-v2\nfallbacks: [{name: gpt-4o, condition: error || latency > 3s}, {name: gpt-5, condition: error || latency > 1500ms}]\ntimeouts: {primary: 4s, fallback: 2s}\n",
			model:    stubborn{silent: ever},
			attempts: 3, waiting: 6500 * time.Millisecond,
		},
		{
			name:     "silence",
			file:     chainOfThree + "timeouts: {primary: 4s, fallback: 2s}\n",
			model:    stubborn{silent: ever},
			attempts: 3, waiting: 8 * time.Second,
		},
		{
			name:     "a limit for streams",
			file:     chainOfThree + "timeouts: {primary: 4s, fallback: 2s}\nstream: {first_content: 7s}\n",
			model:    stubborn{silent: ever},
			streamed: true,
			attempts: 3, waiting: 21 * time.Second,
		},
		{
			name:     "attempts that fail at the last moment, and waits",
			file:     chainOfThree + "timeouts: {primary: 2s, fallback: 2s}\nretry: {max_attempts: 3, max_wait: 20s, skip_wait: 5m}\n",
			model:    stubborn{silent: 2*time.Second - 1, err: overloaded},
			attempts: 9, waiting: 3 * (3*2 + 2*20) * time.Second, slack: 9,
		},
		{
			name:     "waits that are skipped while a target is left",
			file:     chainOfThree + "timeouts: {primary: 2s, fallback: 2s}\nretry: {max_attempts: 2, max_wait: 20s, skip_wait: 1s}\n",
			model:    stubborn{silent: 2*time.Second - 1, err: overloaded},
			attempts: 6, waiting: (3*(2*2+1) + 19) * time.Second, slack: (2*3 + 1) * time.Second, // 20 s are waited once, 1 s never
		},
		{
			name:     "the total",
			file:     chainOfThree + "timeouts: {primary: 4s, fallback: 4s, total: 5s}\n",
			model:    stubborn{silent: ever},
			attempts: 3, waiting: 5 * time.Second,
		},
		{
			name:     "the total of what has no other bound",
			file:     chainOfThree + "timeouts: {total: 5s}\n",
			model:    stubborn{silent: ever},
			attempts: 3, waiting: 5 * time.Second,
		},
		{
			name:     "answers held back until they are whole",
			file:     "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, condition: error || confidence < 0.5}]\ntimeouts: {primary: 2s, fallback: 2s, attempt: 10s}\n",
			model:    stubborn{silent: 2*time.Second - 1, flows: ever},
			streamed: true,
			attempts: 2, waiting: 14 * time.Second, slack: 2*time.Second + 1,
		},
		{
			name:     "a hedge",
			file:     chainOfThree + "timeouts: {primary: 4s, fallback: 2s}\nhedge: {delay: 3900ms}\n",
			model:    stubborn{silent: ever},
			attempts: 3, waiting: 8 * time.Second, slack: 100 * time.Millisecond,
		},
		{
			name:     "nothing",
			file:     chainOfThree,
			model:    stubborn{err: overloaded},
			attempts: 3,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := parse(t, test.file)
			w := picture.Of(p, spec.Known{}).WorstCase
			if w.Attempts != test.attempts {
				t.Errorf("%d attempts, want %d", w.Attempts, test.attempts)
			}
			switch {
			case test.waiting == 0:
				if w.Waiting.Seconds != nil || w.Waiting.By != "timeouts.primary" {
					t.Errorf("waiting %v, want none because of timeouts.primary", w.Waiting)
				}
				return
			case w.Waiting.Seconds == nil || time.Duration(*w.Waiting.Seconds*float64(time.Second)) != test.waiting:
				t.Fatalf("waiting %v, want %v", w.Waiting, test.waiting)
			}
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				live, err := foresight.Build(p, func(name string) model.LLM {
					m := test.model
					m.name, m.asked = name, &asked
					return &m
				})
				if err != nil {
					t.Fatal(err)
				}
				started := time.Now()
				for range live.Model().GenerateContent(t.Context(), &model.LLMRequest{}, test.streamed) {
					break
				}
				if took := time.Since(started); took > test.waiting || took < test.waiting-test.slack {
					t.Errorf("a call waited %v, want %v or up to %v less", took, test.waiting, test.slack)
				}
				if int(asked.Load()) > test.attempts {
					t.Errorf("%d attempts, want %d at most", asked.Load(), test.attempts)
				}
			})
		})
	}
}

// B70
func TestWorstCaseCountsWhatTargetsHaveOfTheirOwn(t *testing.T) {
	for _, test := range []struct {
		name, file     string
		attempts       int
		waiting, whole string
	}{
		{"the last resort is free", "primary: gemini-2.5-flash\nfallbacks: [{name: cached-answer}, {name: template-response}]\ntimeouts: {primary: 4s}\n",
			1, "4s", "unbounded; set timeouts.attempt or timeouts.total"},
		{"an attempt's limit bounds its content", "primary: gemini-2.5-flash\ntimeouts: {primary: 4s, attempt: 30s}\n", 1, "4s", "34s"},
		{"a queue", "primary: gemini-2.5-flash\ntimeouts: {primary: 4s}\nrate_limits: {concurrency: 1, queue_timeout: 3s}\n", 1, "7s", ""},
		{"a model's own queue", "primary: gemini-2.5-flash\ntimeouts: {primary: 4s}\nmodels: {gemini-*: {rate_limits: {concurrency: 1, queue_timeout: 1s}}}\nrate_limits: {concurrency: 1}\n", 1, "5s", ""},
		{"the slower arm", "primary: gemini-2.5-flash\ntimeouts: {primary: 4s}\nmodels: {gpt-*: {rate_limits: {concurrency: 1, queue_timeout: 1s}}}\n" +
			"experiments: {e: {arms: [{model: gemini-2.5-flash, share: 50%}, {model: gpt-4o, share: 50%}]}}\n", 1, "5s", ""},
		{"a text continued, and if refused, begun", chainOfThree + "timeouts: {primary: 4s, fallback: 2s}\nstream: {mid_stream: resume}\nmodels: {gpt-4o: {capabilities: [prefill]}}\n", 4, "8s", ""},
		{"the longest backoff", "primary: gemini-2.5-flash\ntimeouts: {primary: 1s}\nretry: {max_attempts: 4, base_delay: 4s, max_delay: 10s, max_wait: 1s}\n", 4, "26s", ""}, // 4 × 1 s + 4 + 8 + 10
		{"a timeout of the entry's own", "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o, timeout: 9s}]\ntimeouts: {primary: 1s, fallback: 2s}\nstream: {first_content: 1s}\n", 2, "10s", ""},
		{"a stream's limit alone", "primary: gemini-2.5-flash\nstream: {first_content: 1s}\n", 1, "unbounded; set timeouts.primary or timeouts.total", ""},
		{"a fallback without a limit", "primary: gemini-2.5-flash\nfallbacks: [{name: gpt-4o}]\ntimeouts: {primary: 1s}\n", 2, "unbounded; set timeouts.fallback or timeouts.total", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := picture.Of(parse(t, test.file), spec.Known{}).WorstCase
			if w.Attempts != test.attempts || w.Waiting.String() != test.waiting || test.whole != "" && w.Whole.String() != test.whole {
				t.Errorf("%d attempts, waiting %v, whole %v; want %d, %s, %s", w.Attempts, w.Waiting, w.Whole, test.attempts, test.waiting, test.whole)
			}
		})
	}
}

// A cascade takes the time of its cheap model to the end, of its judges, and of its primary.
func TestWorstCaseOfACascade(t *testing.T) {
	p := parse(t, "primary: a\ncascade: {model: b, judge: application, judge_timeout: 5s}\ntimeouts: {primary: 2s, attempt: 10s}\n")
	w := picture.Of(p, spec.Known{}).WorstCase
	if w.Attempts != 2 || *w.Waiting.Seconds != 12+5+2 || *w.Whole.Seconds != 12+5+12 {
		t.Errorf("%d attempts, %v waiting, %v whole; want 2, 19s and 29s", w.Attempts, w.Waiting, w.Whole)
	}
}
