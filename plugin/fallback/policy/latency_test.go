package policy_test

import (
	"context"
	"errors"
	"fmt"
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

// A silent attempt is asked about at each latency that the condition names.
func TestConditionsWakeUp(t *testing.T) {
	for _, test := range []struct {
		condition string
		a         llmtest.Step
		by        string
		took      time.Duration
	}{
		{"latency > 1s && tenant == 'vip' || latency > 4s", silent, "b", time.Second},
		{"latency > 1s && tenant == 'other' || latency > 4s", silent, "b", 4 * time.Second},
		{"latency >= 2s", silent, "b", 2 * time.Second},
		{"latency > 1s", after(time.Second-1, llmtest.Text("a")), "a", time.Second - 1},
		{"latency > 1s && error", after(3*time.Second, llmtest.Text("a")), "a", 3 * time.Second},
		{"error", after(time.Minute, llmtest.Text("a")), "a", time.Minute},
	} {
		for _, streamed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				given := named("b")
				given["a"] = llmtest.NewModel("a", test.a)
				m := build(t, chainOf(test.condition), given)
				got := ask(call.With(t.Context(), call.Info{Tenant: "vip"}), m, streamed)
				if got.text != test.by || got.took != test.took {
					t.Errorf("%s: %q after %v (%v), want %s after %v", test.condition, got.text, got.took, got.err, test.by, test.took)
				}
				if want := fmt.Sprintf("condition %q is true after %v", test.condition, test.took); test.by == "b" && got.md.Reason != want {
					t.Errorf("%s: reason %q, want %q", test.condition, got.md.Reason, want)
				}
			})
		}
	}
}

// Each latency is asked about once, when it is reached: not again at a later one,
// when an answer is there that was not.
func TestLatenciesAreAskedAboutInTheirTime(t *testing.T) {
	const condition = "cache_hit && latency > 1s && latency <= 2s || error && latency > 5s || latency > 9s"
	synctest.Test(t, func(t *testing.T) {
		l := live(t, chainOf(condition), models(llmtest.NewModel("a", silent, llmtest.Text("a")), llmtest.NewModel("b", llmtest.Text("b"))))
		time.AfterFunc(3*time.Second, func() {
			if got := ask(t.Context(), l.Model(), false); got.text != "a" {
				t.Errorf("%q (%v), want an answer to be kept", got.text, got.err)
			}
		})
		if got := ask(t.Context(), l.Model(), false); got.text != "b" || got.took != 9*time.Second {
			t.Errorf("%q (%v) after %v, want b after 9s", got.text, got.err, got.took)
		}
	})
}

// To a breaker, a model that a condition has given up was too slow. B72
func TestModelsGivenUpCountForTheirBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := llmtest.NewModel("a", silent)
		m := build(t, chainOf("latency > 1s || error")+"circuit_breaker: {failure_threshold: 2, backoff: 1m}", models(a, llmtest.NewModel("b", llmtest.Text("b"))))
		for range 3 {
			ask(t.Context(), m, false)
		}
		if n := len(a.Asked()); n != 2 {
			t.Errorf("a was asked %d times, want 2: then its breaker is open", n)
		}
	})
}

// To the conditions of later entries it has timed out.
func TestModelsGivenUpHaveTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given := named("b", "c")
		given["a"] = llmtest.NewModel("a", silent)
		m := build(t, chainOf("latency > 1s", "error_kind == 'timeout'")+"flags: {f: {targets: [b], default: false}}", given)
		if got := ask(t.Context(), m, false); got.text != "c" {
			t.Errorf("%q (%v), want c", got.text, got.err)
		}
	})
}

// A stream that has begun to answer is not cut off by a latency, however slow it
// is. B55
func TestConditionsLeaveAMovingStreamAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
			if yield(&model.LLMResponse{Content: genai.NewContentFromText("a ", genai.RoleModel), Partial: true}, nil) {
				after(time.Minute, llmtest.Text("a"))(ctx, req, false, yield)
			}
		}
		given := named("b")
		given["a"] = llmtest.NewModel("a", slow)
		if got := ask(t.Context(), build(t, chainOf("latency > 1s"), given), true); got.text != "a" {
			t.Errorf("%q answered (%v), want a", got.text, got.err)
		}
	})
}

// The clock of latency runs from the entry's start, through its retries.
func TestLatencyCountsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given := named("b")
		given["a"] = llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable))
		m := build(t, chainOf("latency > 2s")+"retry: {max_attempts: 10, base_delay: 1s, budget: 100%}", given)
		if got := ask(t.Context(), m, false); got.text != "b" || got.took != 2*time.Second {
			t.Errorf("%q after %v (%v), want b after 2s", got.text, got.took, got.err)
		}
	})
}

// Conditions on ttft see how long a broken stream took to its first content.
func TestConditionsOnTimeToFirstContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for delay, by := range map[time.Duration]string{time.Second: "c", 3 * time.Second: "b"} {
			given := named("b", "c")
			given["a"] = llmtest.NewModel("a", after(delay, llmtest.Fail(llmtest.ErrUnavailable, "half ")))
			if got := ask(t.Context(), build(t, chainOf("ttft > 2s", "error"), given), true); got.text != by {
				t.Errorf("first content after %v: %q (%v), want %s", delay, got.text, got.err, by)
			}
		}
	})
}

// timeouts.total bounds the whole call, and is nobody's fault. B70
func TestTotalTimeBoundsTheCall(t *testing.T) {
	for _, last := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := llmtest.NewModel("a", after(time.Second, llmtest.Fail(llmtest.ErrUnavailable)))
			b := llmtest.NewModel("b", silent)
			text := "primary: a\nfallbacks: [{name: b}]\ntimeouts: {total: 3s}\ncircuit_breaker: {failure_threshold: 1}\n"
			if last {
				text = strings.Replace(text, "{name: b}", "{name: b}, {name: cached-answer}, {name: template-response}", 1)
			}
			l, err := policy.NewLive(t.Context(), parsed(t, text), quiet, models(a, b))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			m := l.Model()
			got := ask(t.Context(), m, false)
			if got.took != 3*time.Second {
				t.Errorf("it took %v, want 3s", got.took)
			}
			late := (*failure.TimeoutError)(nil)
			if last {
				if got.md.Degraded != "template-response" {
					t.Errorf("%q (%v), want the answer of last resort: it takes no time", got.text, got.err)
				}
			} else if !errors.As(got.err, &late) || late.Phase != "total" {
				t.Errorf("error %v, want a TimeoutError of the total", got.err)
			}
			ask(t.Context(), m, false)
			if asked := len(b.Asked()); asked != 2 {
				t.Errorf("b was asked %d times, want 2: its breaker must not blame it", asked)
			}
		})
	}
}

// At the end of its time, a call gets an answer of last resort under its
// condition only, and none in the middle of an answer that cannot be taken back.
func TestLastResortAtTheEndOfTheTime(t *testing.T) {
	half := func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		if !stream || yield(&model.LLMResponse{Content: genai.NewContentFromText("half ", genai.RoleModel), Partial: true}, nil) {
			silent(ctx, req, stream, yield)
		}
	}
	for _, test := range []struct {
		name, condition, mode string
		streamed, answered    bool
	}{
		{"met", "error_kind == 'timeout' && latency >= 3s", "restart", false, true},
		{"not met", "error_kind == 'quota'", "restart", false, false},
		{"taken back", "error", "restart", true, true},
		{"not to be taken back", "error", "fail", true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			text := fmt.Sprintf("primary: a\nfallbacks: [{name: template-response, condition: %q}]\ntimeouts: {total: 3s}\nstream: {mid_stream: %s}", test.condition, test.mode)
			got := ask(t.Context(), build(t, text, models(llmtest.NewModel("a", half))), test.streamed)
			if answered := got.md.Degraded != ""; answered != test.answered || answered == (got.err != nil) {
				t.Errorf("%s: %q, %v; want an answer: %v", test.name, got.text, got.err, test.answered)
			}
		})
	}
}
