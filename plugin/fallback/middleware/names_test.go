package middleware_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"google.golang.org/adk/v2/model"
)

// A tenant has one budget however its name is written. B133
func TestATenantHasOneBudgetHoweverItsNameIsWritten(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{
		Limits: map[string]float64{"Müller GmbH": 1},
		Price:  func(string, *model.LLMRequest) (float64, bool) { return 0.6, true },
	})
	m := middleware.Chain(llmtest.NewModel("m", llmtest.Text("hi")), budget.Middleware())
	for i, tenant := range []string{"müller gmbh", "MÜLLER GMBH", "Mu\u0308ller GmbH"} {
		var err error
		for _, got := range m.GenerateContent(call.With(t.Context(), call.Info{Tenant: tenant}), &model.LLMRequest{}, false) {
			err = got
		}
		if (err == nil) != (i == 0) {
			t.Errorf("call %d, of %s: error %v; want the first alone to fit", i+1, tenant, err)
		}
	}
	if spent := budget.Spent("Müller GmbH"); spent != 0.6 {
		t.Errorf("spent %v, want 0.6", spent)
	}
}
