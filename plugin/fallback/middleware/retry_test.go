package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

func retryInfo(delay string) error {
	return genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Details: []map[string]any{{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}}}
}

// B70
func TestRetryIsBounded(t *testing.T) {
	for _, test := range []struct {
		name   string
		config middleware.RetryConfig
		err    error
		calls  int
		took   time.Duration
	}{
		// Without jitter, the backoff is half of its range: 250 ms, 500 ms, 1 s, …
		{"default", middleware.RetryConfig{}, llmtest.ErrUnavailable, 3, 750 * time.Millisecond},
		{"four retries", middleware.RetryConfig{MaxRetries: 4}, llmtest.ErrUnavailable, 5, 3750 * time.Millisecond},
		{"up to the maximum", middleware.RetryConfig{MaxRetries: 4, MaxDelay: time.Second}, llmtest.ErrUnavailable, 5, 1750 * time.Millisecond},
		{"the verdict allows one", middleware.RetryConfig{}, llmtest.ErrDeadline, 2, 250 * time.Millisecond},
		{"the provider's delay", middleware.RetryConfig{MaxRetries: 1}, retryInfo("7s"), 2, 7 * time.Second},
		{"a delay below the backoff", middleware.RetryConfig{MaxRetries: 1, BaseDelay: 8 * time.Second}, retryInfo("2s"), 2, 4 * time.Second},
		{"a longer delay than allowed", middleware.RetryConfig{}, retryInfo("61s"), 1, 0},
		{"not a retry", middleware.RetryConfig{}, genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"}, 1, 0},
		{"a verdict to fall back", middleware.RetryConfig{}, genai.APIError{Code: 404, Status: "NOT_FOUND", Message: "model not found"}, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.config.Rand = func() float64 { return 0 }
				m := llmtest.NewModel("flash", llmtest.Fail(test.err))
				mustNotHang(t, test.took, func() {
					got := ask(t.Context(), middleware.MustRetry(test.config)(m), true)
					var api genai.APIError
					if !errors.As(got.err, &api) {
						t.Errorf("error %v, want the model's", got.err)
					}
				})
				if n := len(m.Requests()); n != test.calls {
					t.Errorf("%d calls, want %d", n, test.calls)
				}
			})
		})
	}
}

func TestRetryAnswersAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, first := range map[string]llmtest.Step{
			"error":     llmtest.Fail(llmtest.ErrUnavailable),
			"empty":     func(context.Context, *model.LLMRequest, bool, func(*model.LLMResponse, error) bool) {},
			"nil, nil":  llmtest.Respond(func() *model.LLMResponse { return nil }),
			"malformed": llmtest.Respond(func() *model.LLMResponse { return &model.LLMResponse{ErrorCode: "MALFORMED_FUNCTION_CALL"} }),
		} {
			m := llmtest.NewModel("flash", first, llmtest.Text("the answer"))
			got := ask(t.Context(), middleware.MustRetry(middleware.RetryConfig{})(m), true)
			if got.err != nil || got.text != "the answer" || got.partials != 2 {
				t.Errorf("%s: %+v, want the answer in two parts", name, got)
			}
		}
	})
}

// B52: after a part of the answer was shown, a retry begins with a restart marker, if
// what was shown may be taken back and no other target is left to answer.
func TestRetryAfterAPartOfTheAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		orders stream.Orders
		want   string
	}{
		"alone":               {stream.Orders{}, "half |whole [whole ]"},
		"another target":      {stream.Orders{HasNext: true}, "half error"},
		"it cannot be undone": {stream.Orders{Continuous: true}, "half error"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable, "half "), llmtest.Text("whole "))
				got := ""
				out := stream.NewSink(t.Context(), func(resp *model.LLMResponse, err error) bool {
					switch {
					case err != nil:
						got += "error"
					case resp.CustomMetadata[call.KeyRestart] == true:
						got += "|"
					case resp.Partial:
						got += resp.Content.Parts[0].Text
					default:
						got += "[" + resp.Content.Parts[0].Text + "]"
					}
					return true
				})
				out.Orders = c.orders
				layer := stream.Of(middleware.MustRetry(middleware.RetryConfig{})(m))
				out.End(layer.Do(t.Context(), &model.LLMRequest{}, true, out))
				if got != c.want {
					t.Errorf("the consumer saw %q, want %q", got, c.want)
				}
			})
		})
	}
}

// B71
func TestBackoffNeverExceedsItsMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, r := range []float64{0, 0.5, 0.999999} {
			var gaps []time.Duration
			var last time.Time
			m := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				if !last.IsZero() {
					gaps = append(gaps, time.Since(last))
				}
				last = time.Now()
				yield(nil, llmtest.ErrUnavailable)
			})
			config := middleware.RetryConfig{
				MaxRetries: 70, BaseDelay: time.Second, MaxDelay: 10 * time.Second,
				Budget: middleware.MustRetryBudget(1, 100), Rand: func() float64 { return r },
			}
			ask(t.Context(), middleware.MustRetry(config)(m), false)
			if len(gaps) != 70 {
				t.Fatalf("%d retries, want 70", len(gaps))
			}
			for i, gap := range gaps {
				if least := min(time.Second<<min(i, 10), 10*time.Second) / 2; gap > 10*time.Second || gap < least {
					t.Errorf("random %v: wait %d is %v, want %v to 10s", r, i, gap, least)
				}
			}
		}
	})
}

// B71
func TestCancellingTheWaitReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		m := llmtest.NewModel("flash", llmtest.Fail(retryInfo("30s")))
		mustNotHang(t, 3*time.Second, func() {
			if got := ask(ctx, middleware.MustRetry(middleware.RetryConfig{})(m), true); !errors.Is(got.err, context.Canceled) {
				t.Errorf("error %v, want the caller's cancellation", got.err)
			}
		})
	})
}

// B70
func TestRetryDoesNotWaitPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		m := llmtest.NewModel("flash", llmtest.Fail(retryInfo("30s")))
		mustNotHang(t, 0, func() {
			var api genai.APIError
			if got := ask(ctx, middleware.MustRetry(middleware.RetryConfig{})(m), true); !errors.As(got.err, &api) {
				t.Errorf("error %v, want the model's", got.err)
			}
		})
	})
}

// B41
func TestTheSameQuotaAfterAWindowFallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		perMinute := genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Details: []map[string]any{{
			"@type":      "type.googleapis.com/google.rpc.QuotaFailure",
			"violations": []any{map[string]any{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}},
		}}}
		m := llmtest.NewModel("flash", llmtest.Fail(perMinute))
		mustNotHang(t, time.Minute, func() {
			ask(t.Context(), middleware.MustRetry(middleware.RetryConfig{MaxRetries: 5})(m), false)
		})
		if n := len(m.Requests()); n != 2 {
			t.Errorf("%d calls, want one, a full window, and one more", n)
		}
	})
}

func TestGivingUpIsAVerdictToFallBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := middleware.MustRetry(middleware.RetryConfig{})(llmtest.NewModel("flash", llmtest.Fail(retryInfo("90s"))))
		got := ask(t.Context(), m, false)
		verdict := failure.Classify(got.err)
		if verdict.Action != failure.Fallback || verdict.Cooldown != 90*time.Second {
			t.Errorf("verdict %+v, want a fallback that leaves the model alone for 90s", verdict)
		}
	})
}

// SkipWait asks for nothing where there is nothing else.
func TestSkipWaitNeedsAnotherTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, hasNext := range []bool{false, true} {
			m := llmtest.NewModel("flash", llmtest.Fail(retryInfo("20s")), llmtest.Text("late"))
			layer := middleware.MustRetry(middleware.RetryConfig{SkipWait: 5 * time.Second})(m).(stream.Layer)
			out := stream.NewSink(t.Context(), func(*model.LLMResponse, error) bool { return true })
			out.HasNext = hasNext
			err := layer.Do(t.Context(), &model.LLMRequest{}, false, out)
			if skipped := err != nil; skipped != hasNext {
				t.Errorf("another target %v: skipped %v (%v)", hasNext, skipped, err)
			}
		}
	})
}

// B74: an outage is not amplified.
func TestRetryBudgetBoundsExtraLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
		retrying := middleware.MustRetry(middleware.RetryConfig{})(m)
		const calls = 1000
		for range 50 { // uses up what is saved
			ask(t.Context(), retrying, false)
		}
		before := len(m.Requests())
		for range calls {
			ask(t.Context(), retrying, false)
		}
		if attempts := len(m.Requests()) - before; attempts > calls*11/10 || attempts < calls*109/100 {
			t.Errorf("%d attempts for %d calls, want at most a tenth more", attempts, calls)
		}
	})
}

func TestRetryBudgetAllowsALittleTrafficToRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable))
		ask(t.Context(), middleware.MustRetry(middleware.RetryConfig{})(m), false)
		if n := len(m.Requests()); n != 3 {
			t.Errorf("%d attempts of the first call, want 3", n)
		}
	})
}

func TestRetryConfigNamesEveryWrongField(t *testing.T) {
	_, err := middleware.NewRetry(middleware.RetryConfig{MaxRetries: -1, BaseDelay: -1, MaxDelay: -1, MaxWait: -1})
	for _, field := range []string{"MaxRetries", "BaseDelay", "MaxDelay", "MaxWait"} {
		if err == nil || !strings.Contains(err.Error(), "RetryConfig."+field) {
			t.Errorf("error %v, want one that names %s", err, field)
		}
	}
	if _, err := middleware.NewRetry(middleware.RetryConfig{BaseDelay: 2, MaxDelay: 1}); err == nil {
		t.Error("a BaseDelay above MaxDelay is accepted")
	}
	if _, err := middleware.NewRetryBudget(1.5, 0); err == nil {
		t.Error("a ratio above 1 is accepted")
	}
	if _, err := middleware.NewRetryBudget(0, -1); err == nil {
		t.Error("a negative burst is accepted")
	}
}

func ExampleNewRetry() {
	retrying, err := middleware.NewRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	flaky := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("Hello."))
	m := retrying(flaky)
	for resp, err := range m.GenerateContent(context.Background(), &model.LLMRequest{}, false) {
		fmt.Println(resp.Content.Parts[0].Text, err, "after", len(flaky.Requests()), "attempts")
	}
	// Output: Hello. <nil> after 2 attempts
}
