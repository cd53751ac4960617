package middleware_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// started counts the calls that start at once, of n.
func started(t *testing.T, m model.LLM, n int) int {
	t.Helper()
	count := 0
	for range n {
		if err := generate(t.Context(), m); refusedBy(err, "limit") == nil {
			count++
		}
	}
	return count
}

func TestAdaptiveRateFallsAndRecovers(t *testing.T) {
	for name, config := range map[string]middleware.LimitConfig{"requests": {RequestsPerMinute: 60}, "tokens": {TokensPerMinute: 60}} { // of one token each
		synctest.Test(t, func(t *testing.T) {
			limited := llmtest.Fail(llmtest.ErrQuota)
			flash := llmtest.NewModel("flash", limited, llmtest.Text("ok"))
			config.Adaptive, config.MaxWait = true, time.Nanosecond
			m := middleware.MustLimit(config)(flash)
			if got := started(t, m, 100); got != 31 {
				t.Errorf("%s: %d calls started, want 31: one, then half of the bucket", name, got)
			}
			var got []int
			for range 8 {
				time.Sleep(10 * time.Second)
				got = append(got, started(t, m, 100))
			}
			// The share grows by a tenth of one a second at the end of each ten seconds.
			if diff := cmp.Diff([]int{5, 6, 7, 8, 9, 10, 10, 10}, got); diff != "" {
				t.Errorf("%s: calls in each ten seconds (-want +got):\n%s", name, diff)
			}
		})
	}
}

func TestAdaptiveFallsToATenthAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quota := llmtest.Fail(llmtest.ErrQuota)
		flash := llmtest.NewModel("flash", quota, quota, quota, quota, quota, quota, llmtest.Fail(genai.APIError{Code: 400}))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 600, Adaptive: true, MaxWait: time.Nanosecond})(flash)
		started(t, m, 1000)
		time.Sleep(20 * time.Second)
		if got := started(t, m, 100); got != 20 {
			t.Errorf("%d calls started in 20 s, want 20: a tenth of ten a second", got)
		}
	})
}

func TestAdaptiveFallsOnceForCallsOfOneRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{release: make(chan error)}
		m := middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 8, MaxQueue: 1000, Adaptive: true})(d.model())
		for i := range 20 {
			send(t.Context(), m, fmt.Sprint(i), "")
		}
		for range 8 {
			d.release <- llmtest.ErrQuota
			synctest.Wait()
		}
		if got := len(d.names()); got != 8+4 {
			t.Errorf("%d calls have started, want 8, and then 4 at a time", got)
		}
		for range 4 {
			d.release <- llmtest.ErrQuota
			synctest.Wait()
		}
		if got := len(d.names()); got != 8+4+1 {
			t.Errorf("%d calls have started, want 8, 4, and then 1 at a time", got)
		}
		for range 8 {
			d.release <- nil
		}
	})
}

func TestAdaptiveForgivesNoDebt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		flash := llmtest.NewModel("flash",
			func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				<-answer
				yield(nil, llmtest.ErrQuota)
			},
			llmtest.Respond(func() *model.LLMResponse {
				return &model.LLMResponse{
					Content: genai.NewContentFromText("ok", genai.RoleModel), FinishReason: genai.FinishReasonStop,
					UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 70},
				}
			}),
			llmtest.Text("ok"),
		)
		m := middleware.MustLimit(middleware.LimitConfig{TokensPerMinute: 60, Adaptive: true, MaxWait: time.Hour})(flash)
		ten := strings.Repeat("word", 10)
		limited := send(t.Context(), m, ten, "")
		_ = say(t.Context(), m, ten, "") // counts 60 more: the bucket owes 20
		close(answer)
		<-limited // half the rate
		started := time.Now()
		_ = say(t.Context(), m, ten, "")
		if got := time.Since(started).Truncate(time.Millisecond); got != time.Minute {
			t.Errorf("the next call waited for %v, want a minute for 30 tokens", got)
		}
	})
}

func TestAdaptiveHeedsOnlyLimits(t *testing.T) {
	for name, err := range map[string]error{
		"503": llmtest.ErrUnavailable, "400": genai.APIError{Code: 400},
		"daily quota": saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeAccount, Cooldown: time.Hour},
	} {
		flash := llmtest.NewModel("flash", llmtest.Fail(err))
		m := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 60, Adaptive: true, MaxWait: time.Nanosecond})(flash)
		if got := started(t, m, 60); got != 60 {
			t.Errorf("%s: %d calls started, want 60", name, got)
		}
	}
}
