package observe_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B140
func TestGaugesAreTheStateOfTheTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meter, metrics := newMeter(t)
		o := observe.MustNew(meter, nil)
		budget := middleware.MustBudget(middleware.BudgetConfig{
			Limit: 2, Limits: map[string]float64{"free": math.Inf(1)}, Price: func(string, *model.LLMRequest) (float64, bool) { return 0.5, true },
		})
		c := cache.MustNew(cache.Config{})
		defer c.Close()
		a := middleware.Chain(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)),
			middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1}), middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2}))
		b := middleware.Chain(llmtest.NewModel("b", llmtest.Text("hello")), middleware.MustBreaker(middleware.BreakerConfig{}),
			middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 3}), budget.Middleware())
		split := router.MustSplit(router.SplitConfig{Experiment: "e", Arms: []router.Arm{{Cohort: "old", Weight: 3, Model: b}, {Cohort: "new", Weight: 1, Model: llmtest.NewModel("c", llmtest.Text("hi"))}}})
		m := c.Middleware()(router.MustFallback(router.Config{}, a, split))
		stop := o.Watch(m)
		for _, tenant := range []string{"acme", "free"} {
			if err := ask(t, call.With(t.Context(), call.Info{Tenant: tenant, User: "ada"}), m); err != nil {
				t.Fatal(err)
			}
		}

		got := metrics()
		for series, want := range map[string]float64{
			"fallback.breaker.state{target=a}":                   2,
			"fallback.breaker.state{target=b}":                   0,
			"fallback.limit.queued{target=b}":                    0,
			"fallback.limit.in_flight{target=b}":                 0,
			"fallback.limit.pace{target=b}":                      1,
			"fallback.retry.available{target=a}":                 9.1,
			"fallback.budget.spent{tenant=" + acme + "}":         0.5,
			"fallback.budget.limit{tenant=" + acme + "}":         2,
			"fallback.experiment.share{cohort=old experiment=e}": 0.75,
			"fallback.experiment.share{cohort=new experiment=e}": 0.25,
			"fallback.cache.answers{target=a}":                   2, // for cached-answer
		} {
			if value, ok := got[series]; !ok || value != want {
				t.Errorf("%s is %v (present: %v), want %v", series, value, ok, want)
			}
		}
		if _, ok := got["fallback.budget.limit{tenant="+free+"}"]; ok {
			t.Error("a tenant without a limit has one in the metrics")
		}

		stop()
		if got := metrics(); len(got) > 0 {
			t.Errorf("after stop there are %v", got)
		}
		o.Watch(m)
		if o.Close(); len(metrics()) > 0 {
			t.Error("a closed observer is still read")
		}
	})
}

// A budget counts all ways to write a tenant's name as one tenant, and so do metrics.
func TestATenantHasOneLabel(t *testing.T) {
	meter, metrics := newMeter(t)
	o := observe.MustNew(meter, nil, observe.WithTenants(1))
	budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 2, Price: func(string, *model.LLMRequest) (float64, bool) { return 0.5, true }})
	m := router.MustFallback(router.Config{Hooks: o.Hooks()}, budget.Middleware()(llmtest.NewModel("gemini-2.5-pro", llmtest.Respond(answered))))
	o.Watch(m)
	for _, tenant := range []string{"ACME", "acme", "Acme "} {
		if err := ask(t, call.With(t.Context(), call.Info{Tenant: tenant}), m); err != nil {
			t.Fatal(err)
		}
	}
	got := metrics()
	for series, want := range map[string]float64{
		"fallback.calls{deferred=false fallback=false model=gemini-2.5-pro outcome=ok tenant=" + acme + "}": 3,
		"fallback.budget.spent{tenant=" + acme + "}":                                                        1.5,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v; there are %v", series, got[series], want, got)
		}
	}
}

// free is the label of the tenant free.
const free = "ad95d5fa651b"

// inspected is a model with a given state.
type inspected struct {
	model.LLM
	node inspect.Node
}

func (i inspected) Inspect() inspect.Node {
	i.node.Name, i.node.State = "a", new(int)
	return i.node
}

// B140
func TestGaugesOfEachState(t *testing.T) {
	meter, metrics := newMeter(t)
	o := observe.MustNew(meter, nil)
	for _, n := range []inspect.Node{
		{Breaker: &inspect.Breaker{State: inspect.HalfOpen}},
		{Limit: &inspect.Limit{Queued: 2, InFlight: 3, Pace: 0.5}},
		{Retry: &inspect.RetryBudget{Available: 4}},
		{Hedge: &inspect.Hedge{Available: 5}},
		{Cache: &inspect.Cache{Bytes: 6, Answers: 7}},
		{Policy: &inspect.Policy{Loaded: time.Unix(8, 0), Problem: "wrong"}},
		{Shared: &inspect.State{Reachable: true}},
	} {
		o.Watch(inspected{llmtest.NewModel("a"), n})
	}
	want := map[string]float64{
		"fallback.breaker.state{target=a}": 1, "fallback.limit.queued{target=a}": 2, "fallback.limit.in_flight{target=a}": 3, "fallback.limit.pace{target=a}": 0.5,
		"fallback.retry.available{target=a}": 4, "fallback.hedge.available{target=a}": 5, "fallback.cache.size{target=a}": 6, "fallback.cache.answers{target=a}": 7,
		"fallback.state.reachable{}": 1,
		"fallback.policy.loaded{}":   8, "fallback.policy.problem{}": 1,
	}
	if diff := cmp.Diff(want, metrics()); diff != "" {
		t.Errorf("gauges (-want +got):\n%s", diff)
	}
}

type jobs func() (inspect.Jobs, error)

func (j jobs) Counts(context.Context) (inspect.Jobs, error) { return j() }

func TestGaugesOfJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meter, metrics := newMeter(t)
		o := observe.MustNew(meter, nil)
		o.WatchJobs(jobs(func() (inspect.Jobs, error) {
			return inspect.Jobs{Pending: 3, Failed: 1, Oldest: time.Now().Add(-time.Minute)}, nil
		}))
		got := metrics()
		for series, want := range map[string]float64{"fallback.jobs.waiting{}": 3, "fallback.jobs.failed{}": 1, "fallback.jobs.oldest{}": 60} {
			if got[series] != want {
				t.Errorf("%s is %v, want %v", series, got[series], want)
			}
		}
	})
}

// A queue that cannot be read must not hide the state of models.
func TestGaugesWithoutTheQueue(t *testing.T) {
	meter, metrics := newMeter(t)
	logger, lines := newLogger(slog.LevelInfo)
	o := observe.MustNew(meter, logger)
	o.WatchJobs(jobs(func() (inspect.Jobs, error) { return inspect.Jobs{}, errors.New("the database is gone") }))
	o.Watch(middleware.MustBreaker(middleware.BreakerConfig{})(llmtest.NewModel("a", llmtest.Text("hello"))))
	if got, ok := metrics()["fallback.breaker.state{target=a}"]; !ok || got != 0 {
		t.Errorf("the state of the breaker is %v (present: %v), want 0", got, ok)
	}
	if want := `level=WARN msg="observe: the deferred jobs cannot be counted" error="the database is gone"` + "\n"; lines.String() != want {
		t.Errorf("logged %s, want %s", lines, want)
	}
}
