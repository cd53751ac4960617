package observe_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// One line per call that was no plain success, and metrics of all calls.
func ExampleNew() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{} // other in each run
		}
		return a
	}}))
	o, err := observe.New(otel.Meter("example.com/app"), logger)
	if err != nil {
		fmt.Println(err)
		return
	}
	flash, pro := llmtest.NewModel("flash", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("pro", llmtest.Text("Paris."))
	m := router.MustFallback(router.Config{Hooks: o.Hooks()}, flash, pro)
	defer o.Watch(m)()

	for resp := range m.GenerateContent(context.Background(), &model.LLMRequest{Contents: genai.Text("Capital of France?")}, false) {
		fmt.Println(resp.Content.Parts[0].Text)
	}
	// Output:
	// Paris.
	// level=WARN msg="fallback: a fallback answered" model=pro original_model=flash error_code=503 reason="overloaded or unavailable" attempts=2
}

// A breaker opened by hand, for a maintenance that the provider has announced.
func ExampleInspect() {
	breaker := middleware.MustBreaker(middleware.BreakerConfig{})
	m := router.MustFallback(router.Config{}, breaker(llmtest.NewModel("flash")), breaker(llmtest.NewModel("pro")))
	for n := range observe.Inspect(m).All() {
		if n.Breaker != nil && n.Name == "flash" {
			n.Breaker.Open(time.Hour, "maintenance")
		}
	}
	for n := range observe.Inspect(m).States() {
		fmt.Println(n.Name, n.Breaker.State)
	}
	// Output:
	// flash open
	// pro closed
}
