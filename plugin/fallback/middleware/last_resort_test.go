package middleware_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B87, B111: a layer that refuses a call of the models inside lets their last resort answer.
func TestLastResortAnswersBehindALayerThatRefuses(t *testing.T) {
	for name, layer := range map[string]middleware.Middleware{
		"trim":    middleware.MustTrim(middleware.TrimConfig{Window: 1}),
		"limit":   middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1, MaxWait: 1}),
		"breaker": middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 1}),
		"budget":  middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(2)}).Middleware(),
	} {
		models := router.MustFallback(router.Config{}, llmtest.NewModel("flash", down), degrade.Template("sorry"))
		m := router.MustFallback(router.Config{}, layer(models), llmtest.NewModel("pro", down))
		for range 2 {
			for resp, err := range m.GenerateContent(t.Context(), llmtest.UserSays("How is the weather?"), false) {
				if err != nil || resp.Content.Parts[0].Text != "sorry" {
					t.Errorf("%s: %v, error %v; want the template", name, resp, err)
				}
			}
		}
	}
}

func TestLastResortAnswersBehindALimitOfItsOwn(t *testing.T) {
	limited := middleware.MustLimit(middleware.LimitConfig{RequestsPerMinute: 1, MaxWait: 1})
	m := router.MustFallback(router.Config{}, llmtest.NewModel("flash", down), limited(degrade.Template("sorry")))
	for range 2 {
		if got := ask(t.Context(), m, false); got.text != "sorry" {
			t.Errorf("%q, error %v; want the template", got.text, got.err)
		}
	}
}
