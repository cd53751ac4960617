package middleware_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

func TestCooldownShorterThanOpenForIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeModel, Cooldown: time.Second}
		flash := llmtest.NewModel("flash", llmtest.Fail(short))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		calls(t, m, flash, 1)
		if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || time.Until(refused.Until) != time.Second {
			t.Errorf("refusal = %+v, want one for a second", refused)
		}
	})
}

func TestCooldownOpensAtOnceUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		daily := saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeAccount, Cooldown: 7 * time.Hour, Reason: "a daily quota"}
		flash := llmtest.NewModel("flash", llmtest.Fail(daily), llmtest.Text("ok"))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		if got := calls(t, m, flash, 5); got != 1 {
			t.Errorf("%d calls reached the model, want 1", got)
		}
		refused := refusedBy(generate(t.Context(), m), "breaker")
		if refused == nil || !refused.Until.Equal(time.Now().Add(7*time.Hour)) || refused.Reason != "open; a daily quota" {
			t.Errorf("refusal = %+v, want one until the cooldown's end", refused)
		}
		time.Sleep(7*time.Hour - time.Nanosecond)
		if got := calls(t, m, flash, 1); got != 0 {
			t.Error("a call reached the model before the cooldown's end")
		}
		time.Sleep(time.Nanosecond)
		if got := calls(t, m, flash, 5); got != 5 {
			t.Errorf("%d of 5 calls reached the model after the cooldown, want all", got)
		}
	})
}

// What a server says about the time to come holds whenever the call began.
func TestLateCooldownOpensOrExtends(t *testing.T) {
	tests := []struct {
		cooldown, want time.Duration
	}{
		{time.Second, middleware.DefaultOpenFor}, // the longer rest stays
		{time.Hour, time.Hour},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			answer := make(chan struct{})
			daily := saying{Action: failure.Fallback, Kind: failure.KindQuota, Scope: failure.ScopeAccount, Cooldown: tt.cooldown}
			flash := llmtest.NewModel("flash", func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
				<-answer
				yield(nil, daily)
			}, down)
			m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1})(flash)
			var late sync.WaitGroup
			late.Go(func() { _ = generate(t.Context(), m) })
			synctest.Wait()
			calls(t, m, flash, 1)
			close(answer)
			late.Wait()
			if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || time.Until(refused.Until) != tt.want {
				t.Errorf("after a late cooldown of %v: %+v, want a refusal for %v", tt.cooldown, refused, tt.want)
			}
		})
	}
}

// A verdict that grants a retry is not cut off by the breaker within.
func TestCooldownOfARetryCountsAfterTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		capacity := saying{Action: failure.Retry, MaxRetries: 1, Kind: failure.KindCapacity, Scope: failure.ScopeModel, Cooldown: time.Minute}
		flash := llmtest.NewModel("flash", llmtest.Fail(capacity))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		if got := calls(t, m, flash, 5); got != 2 {
			t.Errorf("%d calls reached the model, want 2: the call and its retry", got)
		}
		if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || !refused.Until.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("refusal = %+v, want one until the cooldown's end", refused)
		}
	})
}

// The retries of a verdict do not raise the number of failures that opens a breaker.
func TestCooldownOfARetryDoesNotRaiseConsecutiveFailures(t *testing.T) {
	capacity := saying{Action: failure.Retry, MaxRetries: 5, Kind: failure.KindCapacity, Scope: failure.ScopeModel, Cooldown: time.Minute}
	flash := llmtest.NewModel("flash", llmtest.Fail(capacity))
	m := middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2})(flash)
	if got := calls(t, m, flash, 8); got != 2 {
		t.Errorf("%d calls reached the model, want 2", got)
	}
}

func TestServersDelayLengthensTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := saying{Action: failure.Retry, Kind: failure.KindOverloaded, Scope: failure.ScopeModel, RetryAfter: 2 * time.Minute}
		flash := llmtest.NewModel("flash", llmtest.Fail(busy))
		m := middleware.MustBreaker(middleware.BreakerConfig{})(flash)
		calls(t, m, flash, 5)
		if refused := refusedBy(generate(t.Context(), m), "breaker"); refused == nil || !refused.Until.Equal(time.Now().Add(2*time.Minute)) {
			t.Errorf("refusal = %+v, want one until the server's delay is over", refused)
		}
	})
}
