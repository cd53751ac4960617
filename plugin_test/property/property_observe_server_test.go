package property_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// answer is long enough to be cut.
const answer = "It is sunny and 24 °C in Berlin."

// faults are what the server of TestMetricsAgreeWithTheServer does to a request.
var faults = []fallbacktest.Step{
	fallbacktest.Text(answer), fallbacktest.Text(answer).Usage(100, 10), fallbacktest.Text(answer).FirstAfter(2 * time.Second).Pace(time.Second),
	fallbacktest.Overloaded(), fallbacktest.Internal(), fallbacktest.DailyQuota(), fallbacktest.MinuteQuota(7 * time.Second), fallbacktest.Exhausted(),
	fallbacktest.NotFound(), fallbacktest.ContextLength(), fallbacktest.Deadline(), fallbacktest.Capacity(), fallbacktest.Reset(), fallbacktest.Silence(),
	fallbacktest.Empty(), fallbacktest.NoCandidates(), fallbacktest.Text(answer).AbortAfter(2), fallbacktest.Text(answer).CutAfter(2),
	fallbacktest.Text(answer).StallAfter(2), fallbacktest.Text(answer).ErrorAt(2, fallbacktest.Overloaded()), fallbacktest.Text(answer).MalformedAt(1),
	fallbacktest.Text(answer).NoFinish(), fallbacktest.Text(answer).Finish(genai.FinishReasonMaxTokens), fallbacktest.ToolCall("weather", nil),
	fallbacktest.Status(502, "<html>Bad gateway</html>"), fallbacktest.InvalidKey(),
}

// B140: whatever a server does, metrics count the requests that it has got, and the calls
// that were made.
func TestMetricsAgreeWithTheServer(t *testing.T) {
	for seed := range race.Runs(scripts) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 140))
			srv := fallbacktest.NewPipeServer()
			defer srv.Close()
			reader := sdkmetric.NewManualReader()
			record := newBooks()
			hooks := call.Join(observe.MustNew(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(""), nil).Hooks(), record.hooks())
			var models []model.LLM
			for i := range 1 + random.IntN(3) {
				name := fmt.Sprint("gemini-", i)
				var steps []fallbacktest.Step
				for range 1 + random.IntN(4) {
					steps = append(steps, faults[random.IntN(len(faults))])
				}
				srv.Script(name, steps...)
				m, err := gemini.NewModel(t.Context(), name, srv.ClientConfig())
				if err != nil {
					t.Fatal(err)
				}
				models = append(models, middleware.Chain(m, middleware.MustRetry(middleware.RetryConfig{MaxRetries: random.IntN(3) + 1}),
					middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2}), middleware.MustTimeout(middleware.TimeoutConfig{Idle: 5 * time.Second, Total: 30 * time.Second})))
			}
			m := router.MustFallback(router.Config{Hooks: hooks}, models...)
			calls := 1 + random.IntN(3)
			for range calls {
				for range m.GenerateContent(t.Context(), &model.LLMRequest{Contents: genai.Text("How is the weather?")}, random.IntN(2) == 0) {
					continue
				}
			}

			measured := readBooks(t, reader)
			measured.Lines, measured.Spans = record.Lines, record.Spans // without a logger and a tracer
			if diff := cmp.Diff(record, measured); diff != "" {
				t.Fatalf("script %d: metrics (-record +metrics):\n%s", seed, diff)
			}
			requests := map[string]int{}
			for _, r := range srv.Requests() {
				requests[r.Model]++
			}
			if diff := cmp.Diff(requests, called(measured.Attempts)); diff != "" {
				t.Fatalf("script %d: attempts (-server +metrics):\n%s", seed, diff)
			}
			if n := measured.Calls["ok"] + measured.Calls["failed"]; n != calls {
				t.Fatalf("script %d: %d calls are counted, want %d", seed, n, calls)
			}
		})
	}
}
