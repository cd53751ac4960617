package policy_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// Spending is kept when the limits change.
func TestSpendSurvivesAReload(t *testing.T) {
	a := llmtest.NewModel("a", using("a", 100_000))
	l, err := policy.NewLive(t.Context(), parsed(t, "primary: a\nbudgets: {usd_per_day: 0.5}"+priced), quiet, models(a))
	if err != nil {
		t.Fatal(err)
	}
	spend(t.Context(), l.Model())
	for _, test := range []struct {
		budgets string
		more    int
	}{{"", 0}, {"budgets: {usd_per_day: 0.8}", 3}, {"budgets: {usd_per_day: 0.3}", 0}} {
		text := "primary: a\n" + test.budgets + priced
		if err := l.Replace(t.Context(), parsed(t, text)); err != nil {
			t.Fatal(err)
		}
		if test.budgets == "" {
			continue // spending is not bounded, nor counted
		}
		if got := spend(t.Context(), l.Model()); got != test.more {
			t.Errorf("%s: %d more answers of 0.10 USD, want %d", test.budgets, got, test.more)
		}
	}
}

// Spending is kept when the time zone changes.
func TestSpendSurvivesAnotherTimezone(t *testing.T) {
	for _, timezone := range []string{"Etc/UTC", "Asia/Tokyo"} {
		a := llmtest.NewModel("a", using("a", 100_000))
		l, err := policy.NewLive(t.Context(), parsed(t, "primary: a\nbudgets: {usd_per_day: 0.5}"+priced), quiet, models(a))
		if err != nil {
			t.Fatal(err)
		}
		spend(t.Context(), l.Model())
		if err := l.Replace(t.Context(), parsed(t, "primary: a\nbudgets: {usd_per_day: 0.5, timezone: "+timezone+"}"+priced)); err != nil {
			t.Fatal(err)
		}
		if more := spend(t.Context(), l.Model()); more > 0 {
			t.Errorf("%s: %d more answers of 0.10 USD, want none", timezone, more)
		}
	}
}

// Days begin at midnight in the time zone, also after a reload has changed it.
func TestDaysOfATimezone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins at midnight, UTC
		a := llmtest.NewModel("a", using("a", 100_000))
		l, err := policy.NewLive(t.Context(), parsed(t, "primary: a\nbudgets: {usd_per_day: 0.5, timezone: Asia/Tokyo}"+priced), quiet, models(a))
		if err != nil {
			t.Fatal(err)
		}
		var answers []int
		for range 2 {
			answers = append(answers, spend(t.Context(), l.Model()))
			time.Sleep(14 * time.Hour)
			answers = append(answers, spend(t.Context(), l.Model()))
			time.Sleep(time.Hour) // midnight in Tokyo
		}
		if err := l.Replace(t.Context(), parsed(t, "primary: a\nbudgets: {usd_per_day: 0.5}"+priced)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(18 * time.Hour) // midnight, UTC
		answers = append(answers, spend(t.Context(), l.Model()))
		if diff := cmp.Diff([]int{5, 0, 5, 0, 5}, answers); diff != "" {
			t.Errorf("answers of 0.10 USD (-want +got):\n%s", diff)
		}
	})
}

// A call is charged the price at its start, and falls back by the policy at its start.
// B78, B92
func TestReloadsLeaveTheBudgetsOfCallsUnderWay(t *testing.T) {
	const head, tail = "\nbudgets: {usd_per_day: 1}\nmodels: {", ": {price: {input: 0, output: 1}}}"
	for _, test := range []struct{ name, before string }{
		{"at a model that goes", "primary: a" + head + "a" + tail},
		{"before a fallback that goes", "primary: down\nfallbacks: [{name: a}]" + head + "a: {price: {input: 0, output: 1}}, down" + tail},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given := models(
					llmtest.NewModel("a", after(10*time.Second, using("a", 900_000))), llmtest.NewModel("c", using("c", 1)),
					llmtest.NewModel("down", after(10*time.Second, llmtest.Fail(llmtest.ErrUnavailable))),
				)
				l, err := policy.NewLive(t.Context(), parsed(t, test.before), quiet, given)
				if err != nil {
					t.Fatal(err)
				}
				m, answer := l.Model(), make(chan result)
				go func() { answer <- askFor(t.Context(), m, false, asking(100)) }()
				time.Sleep(time.Second)
				for _, text := range []string{"primary: c\nmodels: {c" + tail, "primary: c\nbudgets: {usd_per_day: 1, max_output_tokens: 200000}\nmodels: {c" + tail} {
					if err := l.Replace(t.Context(), parsed(t, text)); err != nil {
						t.Fatal(err)
					}
				}
				if got := <-answer; got.text != "a" {
					t.Errorf("a call under way: %q (%v), want a's answer", got.text, got.err)
				}
				// It has cost 0.90 of 1.00 USD.
				for _, then := range []struct {
					asked int32
					place bool
				}{{110_000, false}, {90_000, true}} {
					if got := askFor(t.Context(), m, false, asking(then.asked)); (got.err == nil) != then.place {
						t.Errorf("then a call of %d tokens: %v, want place for it: %v", then.asked, got.err, then.place)
					}
				}
			})
		})
	}
}

// Without budgets, a model without a price is not charged.
func TestUnknownPriceWithoutALimitIsNotCounted(t *testing.T) {
	l, err := policy.NewLive(t.Context(), parsed(t, "primary: a\nbudgets: {tenants: {acme: {usd_per_day: 1}}}"), quiet, models(llmtest.NewModel("a", using("a", 100_000))))
	if err != nil {
		t.Fatal(err)
	}
	if got := askFor(t.Context(), l.Model(), false, asking(100_000)); got.err != nil {
		t.Errorf("a call without a limit: %v", got.err)
	}
	if got := askFor(call.With(t.Context(), call.Info{Tenant: "acme"}), l.Model(), false, asking(1)); got.err == nil {
		t.Error("a call with a limit was not refused")
	}
	if err := l.Replace(t.Context(), parsed(t, "primary: a\nbudgets: {usd_per_day: 0.5}"+priced)); err != nil {
		t.Fatal(err)
	}
	if got := spend(t.Context(), l.Model()); got != 5 {
		t.Errorf("then %d answers of 0.10 USD under 0.50, want 5", got)
	}
}
