package middleware_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// A breaker hears of an attempt that a limit around it has cut off: its model
// was too slow all the same. B72
func TestBreakerCountsWhatALimitAroundItCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := llmtest.NewModel("slow", silence)
		m := middleware.Chain(slow,
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: time.Second}),
			middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2}),
		)
		ask(t.Context(), m, false)
		ask(t.Context(), m, false)
		refused := (*middleware.RefusedError)(nil)
		if got := ask(t.Context(), m, false); !errors.As(got.err, &refused) || refused.By != "breaker" {
			t.Errorf("third call: %v, want the breaker's refusal", got.err)
		}
		if asked := len(slow.Asked()); asked != 2 {
			t.Errorf("the model was asked %d times, want 2", asked)
		}
	})
}
