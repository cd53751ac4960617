package middleware_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// New limits hold for what was spent before. B78
func TestBudgetKeepsWhatWasSpentUnderNewLimits(t *testing.T) {
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(0.4)})
	m := budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
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
	if err := budget.SetLimits(9, map[string]float64{"other": 1, "Other": 2}); err == nil || !strings.Contains(err.Error(), `["other"]: is the same name as "Other"`) {
		t.Errorf("error %v, want the tenant with two limits", err)
	}
	if answers() != 0 {
		t.Error("wrong limits have changed something")
	}
}

// Days that begin elsewhere take nothing back of what was spent on this one. B78
func TestBudgetKeepsWhatWasSpentInAnotherTimezone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins at midnight, UTC
		budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 1, Price: price(0.4)})
		m := budget.Middleware()(llmtest.NewModel("flash", llmtest.Text("hi")))
		answered := func() bool { return ask(t.Context(), m, false).err == nil }
		for answered() {
			continue
		}
		wantSpent(t, budget, 0.8)
		budget.SetLocation(time.FixedZone("Berlin", 3600))
		wantSpent(t, budget, 0.8)
		if time.Sleep(23*time.Hour - time.Second); answered() {
			t.Error("an answer a second before midnight there")
		}
		if time.Sleep(time.Second); !answered() {
			t.Error("no answer at midnight there")
		}
		// A day that is over is not kept, although nobody has asked since.
		time.Sleep(24 * time.Hour)
		budget.SetLocation(nil)
		wantSpent(t, budget, 0)
	})
}
