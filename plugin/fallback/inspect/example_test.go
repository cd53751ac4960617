package inspect_test

import (
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A provider has announced maintenance: its model rests, and calls go to the next one.
func ExampleOf() {
	breaker := middleware.MustBreaker(middleware.BreakerConfig{})
	m := router.MustFallback(router.Config{}, breaker(llmtest.NewModel("flash")), breaker(llmtest.NewModel("pro")))

	for n := range inspect.Of(m).All() {
		if n.Breaker != nil && n.Name == "flash" {
			n.Breaker.Open(time.Hour, "maintenance")
		}
	}

	for n := range inspect.Of(m).States() {
		fmt.Println(n.Layer, n.Name, n.Breaker.State, n.Breaker.Reason)
	}
	// Output:
	// breaker flash open maintenance
	// breaker pro closed
}
