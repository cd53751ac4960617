package policy_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// Which limit cuts off a silent attempt. B55
func TestTimeLimits(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: b}, {name: c, timeout: 5s}]\n"
	for _, test := range []struct {
		limits        string
		unary, stream time.Duration // until all three have been given up
	}{
		{"timeouts: {primary: 4s, fallback: 2s}", 11 * time.Second, 11 * time.Second},
		{"timeouts: {primary: 4s, fallback: 2s}\nstream: {first_content: 1s}", 11 * time.Second, 7 * time.Second},
		{"timeouts: {primary: 4s, fallback: 2s, attempt: 3s}", 8 * time.Second, 8 * time.Second},
	} {
		for _, streamed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m := build(t, text+test.limits, models(llmtest.NewModel("a", silent), llmtest.NewModel("b", silent), llmtest.NewModel("c", silent)))
				got := ask(t.Context(), m, streamed)
				late := (*failure.TimeoutError)(nil)
				want := map[bool]time.Duration{false: test.unary, true: test.stream}[streamed]
				if got.took != want || !errors.As(got.err, &late) {
					t.Errorf("%s, streamed %v: %v after %v, want timeouts after %v", test.limits, streamed, got.err, got.took, want)
				}
			})
		}
	}
}

// stream.idle and stream.mid_stream. B52, B53, B55
func TestWhatHappensInTheMiddleOfAStream(t *testing.T) {
	for mode, want := range map[string]string{"restart": "b", "fail": ""} {
		synctest.Test(t, func(t *testing.T) {
			a := llmtest.NewModel("a", func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
				if yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil) {
					silent(ctx, req, stream, yield)
				}
			})
			m := build(t, "primary: a\nfallbacks: [{name: b}]\nstream: {idle: 4s, mid_stream: "+mode+"}", models(a, llmtest.NewModel("b", llmtest.Text("b"))))
			got := ask(t.Context(), m, true)
			if got.text != want || (got.err == nil) != (want != "") || got.took > 4500*time.Millisecond {
				t.Errorf("%s: %q, %v after %v; want %q", mode, got.text, got.err, got.took, want)
			}
		})
	}
}

func TestRetriesOfAPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("a"))
		m := build(t, "primary: a\nfallbacks: [{name: b}]\nretry: {max_attempts: 3, base_delay: 1s}", models(a, llmtest.NewModel("b", llmtest.Text("b"))))
		if got := ask(t.Context(), m, false); got.text != "a" || got.took < 1500*time.Millisecond || got.took > 3*time.Second {
			t.Errorf("%q after %v (%v), want a after waits of up to 1 and 2 s", got.text, got.took, got.err)
		}
	})
	a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
	m := build(t, "primary: a\nfallbacks: [{name: b}]", models(a, llmtest.NewModel("b", llmtest.Text("b"))))
	if ask(t.Context(), m, false); len(a.Asked()) != 1 {
		t.Errorf("without the section a was asked %d times, want once", len(a.Asked()))
	}
}

// A model's own rate limits replace those of the policy.
func TestRateLimitsOfAPolicy(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: b}]\nrate_limits: {requests_per_minute: 2, queue_timeout: 1ms}\nmodels: {b: {rate_limits: {requests_per_minute: 1, queue_timeout: 1ms}}}"
	synctest.Test(t, func(t *testing.T) {
		m := build(t, text, named("a", "b"))
		var by []string
		for range 4 {
			got := ask(t.Context(), m, false)
			if refused := (*middleware.RefusedError)(nil); errors.As(got.err, &refused) {
				got.text = refused.By
			}
			by = append(by, got.text)
		}
		if want := []string{"a", "a", "b", "limit"}; !slices.Equal(by, want) {
			t.Errorf("%v, want %v", by, want)
		}
	})
}

// errors.content_policy: whether the next model is asked what one refused.
func TestContentPolicyOfAPolicy(t *testing.T) {
	refusal := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText("I must not", genai.RoleModel), FinishReason: genai.FinishReasonSafety, ErrorCode: "SAFETY"}
	})
	for choice, want := range map[string]string{"fail": "I must not", "fallback": "b"} {
		m := build(t, "primary: a\nfallbacks: [{name: b}]\nerrors: {content_policy: "+choice+"}", models(llmtest.NewModel("a", refusal), llmtest.NewModel("b", llmtest.Text("b"))))
		if got := ask(t.Context(), m, false); got.text != want {
			t.Errorf("%s: %q (%v), want %q", choice, got.text, got.err, want)
		}
	}
}

// hedge: the fallback is asked too while the primary is slow, under its guards
// and, once the primary has failed, under its condition. B76
func TestHedgeOfAPolicy(t *testing.T) {
	const text = "primary: a\nfallbacks: [{name: b, condition: \"error_code == '503' || latency > 10s\"}, {name: c, condition: \"error || latency > 2s\"}]\nhedge: {delay: 1s, max_extra_load: 100%}\n"
	quota := llmtest.Fail(llmtest.ErrQuota)
	for _, test := range []struct {
		name       string
		a, b       llmtest.Step
		more, text string
		took       time.Duration
		asked      [2]int // a and b
	}{
		{"fast", llmtest.Text("a"), quota, "", "a", 0, [2]int{1, 0}},
		{"slow", after(90*time.Second, llmtest.Text("a")), llmtest.Text("b"), "", "b", time.Second, [2]int{1, 1}},
		{"failed, condition met", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("b"), "", "b", 0, [2]int{1, 1}},
		{"failed, condition not met", quota, llmtest.Text("b"), "", "c", 0, [2]int{1, 0}},
		{"both slow: the next entry's condition is about both", silent, silent, "", "c", 2 * time.Second, [2]int{1, 1}},
		{"slow, the other one off", after(1500*time.Millisecond, llmtest.Text("a")), llmtest.Text("b"), "flags: {f: {targets: [b], default: false}}", "a", 1500 * time.Millisecond, [2]int{1, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := llmtest.NewModel("a", test.a), llmtest.NewModel("b", test.b)
				m := build(t, text+test.more, models(a, b, llmtest.NewModel("c", llmtest.Text("c"))))
				got := ask(t.Context(), m, false)
				synctest.Wait()
				if asked := [2]int{len(a.Asked()), len(b.Asked())}; got.text != test.text || got.took != test.took || asked != test.asked {
					t.Errorf("%q after %v (%v), asked %v; want %q after %v, asked %v", got.text, got.took, got.err, asked, test.text, test.took, test.asked)
				}
			})
		})
	}
}

// A cached answer says so, to users in the words of the file. B87
func TestWordsOfTheLastResort(t *testing.T) {
	a := llmtest.NewModel("a", llmtest.Text("answer"), llmtest.Fail(llmtest.ErrUnavailable))
	text := "primary: a\nfallbacks: [{name: cached-answer}, {name: template-response}]\ndegrade: {cached_notice: \"From before: \", template: \"Sorry, {{.Model}} is away.\"}"
	l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, models(a))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ask(t.Context(), l.Model(), false)
	if got := ask(t.Context(), l.Model(), false); got.text != "From before: answer" || got.md.Degraded != "cached-answer" {
		t.Errorf("cached: %q, degraded %q", got.text, got.md.Degraded)
	}
	other := &model.LLMRequest{Model: "a", Contents: genai.Text("other")}
	if got := askFor(t.Context(), l.Model(), false, other); got.text != "Sorry, a is away." || got.md.Degraded != "template-response" {
		t.Errorf("template: %q, degraded %q", got.text, got.md.Degraded)
	}
}

// WithRand draws the waits of section retry, so that a program with a seed is repeatable.
func TestRandomWaitsAreDrawnFromWithRand(t *testing.T) {
	for _, test := range []struct {
		draw float64
		want time.Duration
	}{{0, time.Second}, {0.5, 1500 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			a := llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("a"))
			m := build(t, "primary: a\nretry: {max_attempts: 2, base_delay: 2s}\n", models(a), policy.WithRand(func() float64 { return test.draw }))
			started := time.Now()
			ask(t.Context(), m, false)
			if got := time.Since(started); got != test.want {
				t.Errorf("a draw of %v waits %v, want %v", test.draw, got, test.want)
			}
		})
	}
}
