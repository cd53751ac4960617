package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// drift is a split of two arms whose callers and outcomes a test chooses.
type drift struct {
	t         *testing.T
	config    router.SplitConfig
	m         model.LLM
	rollbacks []router.Rollback
	step      llmtest.Step // of both arms
	user      map[string]string
}

func newDrift(t *testing.T, config router.SplitConfig) *drift {
	t.Helper()
	d := &drift{t: t, user: make(map[string]string)}
	step := func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		d.step(ctx, req, streamed, yield)
	}
	backup := llmtest.NewModel("backup", llmtest.Text("x"))
	config.Experiment = "e"
	config.Arms = []router.Arm{
		{Cohort: "control", Weight: 1, Model: llmtest.NewModel("flash", step)},
		{Cohort: "new", Weight: 1, Model: router.MustFallback(router.Config{}, llmtest.NewModel("pro", step), backup)},
	}
	if config.OnRollback == nil {
		config.OnRollback = func(r router.Rollback) { d.rollbacks = append(d.rollbacks, r) }
	}
	d.m = router.MustSplit(config)
	d.config = config
	d.step = llmtest.Text("x")
	for i := 0; len(d.user) < 2; i++ {
		id := string(rune('a' + i))
		cohort := hear(user(t, id), router.MustSplit(router.SplitConfig{Experiment: "e", Arms: arms(1, 1)}), false).Metadata.Cohort
		d.user[map[string]string{"control": "control", "pro": "new"}[cohort]] = id
	}
	return d
}

// calls makes n calls in an arm.
func (d *drift) calls(cohort string, n int, step llmtest.Step) (last heard) {
	d.t.Helper()
	d.step = step
	for range n {
		last = hear(user(d.t, d.user[cohort]), d.m, false)
	}
	return last
}

func bubble(f func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}

var (
	answers  = llmtest.Text("x")
	refuses  = llmtest.Fail(genai.APIError{Code: 400, Status: "INVALID_ARGUMENT"}) // nobody else is asked
	fallsOut = llmtest.Fail(llmtest.ErrUnavailable)                                // in the arm "new": a fallback answers
)

func TestSplitCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrift(t, router.SplitConfig{Window: 10 * time.Minute})
		d.calls("control", 3, answers)
		d.calls("control", 1, fallsOut)
		d.calls("new", 2, answers)
		d.calls("new", 4, fallsOut)
		want := []inspect.Arm{
			{Cohort: "control", Share: 0.5, Calls: 4, Errors: 1},
			{Cohort: "new", Share: 0.5, Calls: 6, Fallbacks: 4},
		}
		if diff := cmp.Diff(want, armsOf(d.m)); diff != "" {
			t.Errorf("arms (-want +got):\n%s", diff)
		}
		time.Sleep(5 * time.Minute)
		d.calls("new", 1, answers)
		time.Sleep(5 * time.Minute)
		want = []inspect.Arm{{Cohort: "control", Share: 0.5}, {Cohort: "new", Share: 0.5, Calls: 1}}
		if diff := cmp.Diff(want, armsOf(d.m)); diff != "" {
			t.Errorf("arms after the window (-want +got):\n%s", diff)
		}
	})
}

func TestCancelledAndStoppedCallsDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrift(t, router.SplitConfig{})
		d.step = within(time.Minute, answers)
		ctx, cancel := context.WithTimeout(user(t, d.user["control"]), time.Second)
		defer cancel()
		hear(ctx, d.m, false)
		d.step = llmtest.Text("two words")
		hear(user(t, d.user["control"]), d.m, true, func(*model.LLMResponse) bool { return false })
		if got := armsOf(d.m)[0]; got.Calls != 0 {
			t.Errorf("%+v, want no calls", got)
		}
	})
}

func TestRollback(t *testing.T) {
	for _, test := range []struct {
		name   string
		config router.SplitConfig
		run    func(d *drift)
		want   bool
	}{
		{"errors", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("control", 20, answers)
			d.calls("new", 17, answers)
			d.calls("new", 3, refuses)
		}, true},
		{"fallbacks", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("control", 20, answers)
			d.calls("new", 17, answers)
			d.calls("new", 3, fallsOut)
		}, true},
		{"some of both", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("control", 20, answers)
			d.calls("new", 17, answers)
			d.calls("new", 1, refuses)
			d.calls("new", 2, fallsOut)
		}, true},
		{"not more than the bound", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("control", 20, answers)
			d.calls("new", 18, answers)
			d.calls("new", 2, refuses)
		}, false},
		{"the control fails as often", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("control", 10, answers)
			d.calls("control", 10, refuses)
			d.calls("new", 10, answers)
			d.calls("new", 10, refuses)
		}, false},
		{"the control fails more often", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("new", 20, answers)
			d.calls("control", 20, refuses)
		}, false},
		{"too few calls of the arm", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("control", 20, answers)
			d.calls("new", 19, refuses)
		}, false},
		{"too few calls of the control", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20}, func(d *drift) {
			d.calls("control", 19, answers)
			d.calls("new", 20, refuses)
		}, false},
		{"enough by default", router.SplitConfig{MaxDrift: 0.1}, func(d *drift) {
			d.calls("control", router.DefaultDriftCalls, answers)
			d.calls("new", router.DefaultDriftCalls, refuses)
		}, true},
		{"too few by default", router.SplitConfig{MaxDrift: 0.1}, func(d *drift) {
			d.calls("control", router.DefaultDriftCalls, answers)
			d.calls("new", router.DefaultDriftCalls-1, refuses)
		}, false},
		{"too few in the window", router.SplitConfig{MaxDrift: 0.1, MinCalls: 20, Window: time.Minute}, func(d *drift) {
			d.calls("new", 10, refuses)
			time.Sleep(time.Minute)
			d.calls("control", 20, answers)
			d.calls("new", 10, refuses)
		}, false},
		{"no bound", router.SplitConfig{MinCalls: 20}, func(d *drift) {
			d.calls("control", 20, answers)
			d.calls("new", 40, refuses)
		}, false},
	} {
		t.Run(test.name, bubble(func(t *testing.T) {
			d := newDrift(t, test.config)
			test.run(d)
			wantCohort, wantHooks := "new", 0
			if test.want {
				wantCohort, wantHooks = "control", 1
			}
			if got := d.calls("new", 1, answers).Metadata.Cohort; got != wantCohort {
				t.Errorf("a user of the arm is in cohort %q, want %q", got, wantCohort)
			}
			if len(d.rollbacks) != wantHooks || armsOf(d.m)[1].RolledBack != test.want {
				t.Errorf("%d rollbacks told, the arm is %+v, want %d", len(d.rollbacks), armsOf(d.m)[1], wantHooks)
			}
		}))
	}
}

func TestRollbackIsToldOnceWithItsCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrift(t, router.SplitConfig{MaxDrift: 0.5, MinCalls: 2})
		d.calls("control", 3, answers)
		d.calls("new", 10, refuses)
		want := []router.Rollback{{Experiment: "e", Cohort: "new", Arm: router.Counts{Calls: 2, Errors: 2}, Control: router.Counts{Calls: 3}}}
		if diff := cmp.Diff(want, d.rollbacks); diff != "" {
			t.Errorf("rollbacks (-want +got):\n%s", diff)
		}
		time.Sleep(time.Hour)
		if got := d.calls("new", 1, answers).Metadata.Cohort; got != "control" {
			t.Errorf("the arm is back after the window, in cohort %q", got)
		}
	})
}

// B80
func TestPanicInOnRollbackGoesNoFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrift(t, router.SplitConfig{MaxDrift: 0.5, MinCalls: 1, OnRollback: func(router.Rollback) { panic("hook") }})
		d.calls("control", 1, answers)
		if got := d.calls("new", 1, fallsOut); got.Err != nil || got.Final != "x" {
			t.Errorf("heard %+v, want the answer", got)
		}
		if got := d.calls("new", 1, answers).Metadata.Cohort; got != "control" {
			t.Errorf("cohort %q after the rollback, want control", got)
		}
	})
}

func TestFailureRateOfNoCalls(t *testing.T) {
	if got := (router.Counts{}).FailureRate(); got != 0 {
		t.Errorf("rate %v, want 0", got)
	}
}
