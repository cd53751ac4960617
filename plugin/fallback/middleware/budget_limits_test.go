package middleware_test

import (
	"strings"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// New limits hold for what was spent before. B78
func TestBudgetKeepsWhatWasSpentUnderNewLimits(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(0.4)})
	m := budget.Middleware()(suite.NewModel("flash", suite.Text("hi")))
	answers := func() (n int) {
		for ask(t.Context(), m, false).err == nil {
			n++
		}
		return n
	}
	got := []int{answers()}
	for _, limit := range []float64{0.5, 1.6} {
		if err := budget.SetLimits(limit, map[string]float64{"other": 1}); err != nil {
			t.Fatal(err)
		}
		got = append(got, answers())
	}
	if got[0] != 2 || got[1] != 0 || got[2] != 2 {
		t.Errorf("answers %v under 1.00, 0.50 and 1.60 USD; want 2, 0, 2", got)
	}
	if err := budget.SetLimits(-1, map[string]float64{"other": 0}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("error %v, want both limits", err)
	}
	if answers() != 0 {
		t.Error("wrong limits have changed something")
	}
}
