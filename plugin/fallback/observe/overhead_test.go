package observe_test

import (
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// Without an SDK, a healthy call has at most four allocations more. The times are those of
// BenchmarkObserve in plugin_test.
func TestAllocationsWithoutAnSDK(t *testing.T) {
	allocations := func(hooks call.Hooks) float64 {
		m := router.MustFallback(router.Config{Hooks: hooks}, llmtest.NewModel("a", llmtest.Text("hello")))
		req := &model.LLMRequest{}
		return testing.AllocsPerRun(200, func() {
			for _, err := range m.GenerateContent(t.Context(), req, false) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	off := allocations(call.Hooks{})
	observed := allocations(observe.MustNew(otel.Meter("test"), slog.New(slog.DiscardHandler)).Hooks())
	if more := observed - off; more > 4 {
		t.Errorf("an observed call has %v allocations more than the %v of another one, want at most 4", more, off)
	}
}
