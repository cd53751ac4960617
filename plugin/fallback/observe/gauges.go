package observe

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// gauges has what is read when metrics are collected.
type gauges struct {
	targets, experiments names
	instruments          map[string]metric.Float64Observable // by name
	registration         metric.Registration                 // nil without a meter

	mu     sync.Mutex
	models []*watched // guarded by mu
}

// watched is a model or a queue of jobs whose state becomes metrics.
type watched struct {
	model model.LLM
	jobs  Jobs
}

// Jobs counts deferred jobs, as a jobs.Queue does.
type Jobs interface {
	Counts(ctx context.Context) (inspect.Jobs, error)
}

// Watch adds the state of m's tree to the metrics, until stop is called: breakers, limits,
// retry budgets, budgets, caches, hedges, experiments and the policy. It is read when
// metrics are collected, so a policy that is reloaded needs no second Watch. Of layers with
// the same name in several models, the latest counts. A nil m is ignored. If the tree of m
// panics, the panic is logged, and its metrics are absent.
func (o *Observer) Watch(m model.LLM) (stop func()) {
	if nilcheck.Model(m) {
		return func() {}
	}
	return o.gauges.watch(&watched{model: m})
}

// WatchJobs adds the counts of deferred jobs to the metrics, until stop is called. One of
// the processes that share a queue is enough. While they cannot be counted within 5 seconds,
// the metrics are absent, and the reason is logged. A nil queue is ignored.
func (o *Observer) WatchJobs(queue Jobs) (stop func()) {
	if queue == nil {
		return func() {}
	}
	return o.gauges.watch(&watched{jobs: queue})
}

// jobsTimeout bounds a count of jobs: some exporters collect without a deadline.
const jobsTimeout = 5 * time.Second

func (g *gauges) watch(w *watched) (stop func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.models = append(g.models, w)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.models = slices.DeleteFunc(g.models, func(other *watched) bool { return other == w })
	}
}

// register creates the instruments.
func (g *gauges) register(meter metric.Meter, o *Observer) error {
	g.targets, g.experiments = newNames(), newNames()
	g.instruments = make(map[string]metric.Float64Observable)
	var problems []error
	var all []metric.Observable
	for _, m := range []telemetry.Metric{
		telemetry.BreakerState, telemetry.LimitQueued, telemetry.LimitInFlight, telemetry.LimitPace, telemetry.RetriesLeft, telemetry.HedgesLeft,
		telemetry.BudgetSpent, telemetry.BudgetLimit, telemetry.CacheSize, telemetry.CacheAnswers, telemetry.SplitShare,
		telemetry.PolicyLoaded, telemetry.PolicyProblem, telemetry.Reachable, telemetry.JobsWaiting, telemetry.JobsFailed, telemetry.JobsOldest,
	} {
		gauge, err := meter.Float64ObservableGauge(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description))
		problems = append(problems, err)
		g.instruments[m.Name] = gauge
		all = append(all, gauge)
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	var err error
	g.registration, err = meter.RegisterCallback(o.collect, all...)
	return err
}

// collect observes every gauge.
func (o *Observer) collect(ctx context.Context, to metric.Observer) error {
	g := &o.gauges
	g.mu.Lock()
	watched := slices.Clone(g.models)
	g.mu.Unlock()
	c := collection{observer: o, to: to}
	for _, w := range watched {
		c.read(ctx, w)
	}
	return nil // an error would hide the metrics of the whole application
}

// collection is one pass over a tree.
type collection struct {
	observer *Observer
	to       metric.Observer
}

// read observes one model or queue. A panic must not end the application, whose exporter
// reads on a goroutine of its own.
func (c *collection) read(ctx context.Context, w *watched) {
	defer func() {
		if p := recover(); p != nil {
			c.warn(ctx, "observe: reading the state panicked", panics.Text(p))
		}
	}()
	if w.jobs != nil {
		c.jobs(ctx, w.jobs)
		return
	}
	for n := range inspect.Of(w.model).States() {
		c.node(n)
	}
}

func (c *collection) warn(ctx context.Context, text, why string) {
	if logger := c.observer.logger; logger != nil {
		logger.WarnContext(ctx, text, "error", printable.Line(redact.Text(why, call.MaxMessageBytes), call.MaxMessageBytes))
	}
}

func (c *collection) set(m telemetry.Metric, value float64, attributes ...attribute.KeyValue) {
	c.to.ObserveFloat64(c.observer.gauges.instruments[m.Name], value, metric.WithAttributes(attributes...))
}

// node observes the state of a node.
func (c *collection) node(n *inspect.Node) {
	g := &c.observer.gauges
	target := telemetry.LabelTarget.String(g.targets.of(n.Name))
	switch {
	case n.Breaker != nil:
		c.set(telemetry.BreakerState, breakerNumber(n.Breaker.State), target)
	case n.Limit != nil:
		c.set(telemetry.LimitQueued, float64(n.Limit.Queued), target)
		c.set(telemetry.LimitInFlight, float64(n.Limit.InFlight), target)
		c.set(telemetry.LimitPace, n.Limit.Pace, target)
	case n.Retry != nil:
		c.set(telemetry.RetriesLeft, n.Retry.Available, target)
	case n.Hedge != nil:
		c.set(telemetry.HedgesLeft, n.Hedge.Available, target)
	case n.Budget != nil:
		c.budget(n.Budget)
	case n.Cache != nil:
		c.set(telemetry.CacheSize, float64(n.Cache.Bytes), target)
		c.set(telemetry.CacheAnswers, float64(n.Cache.Answers), target)
	case n.Split != nil:
		experiment := telemetry.LabelExperiment.String(g.experiments.of(n.Split.Experiment))
		for _, arm := range n.Split.Arms {
			c.set(telemetry.SplitShare, arm.Share, experiment, telemetry.LabelCohort.String(g.experiments.of(arm.Cohort)))
		}
	case n.Shared != nil:
		reachable := 0.0
		if n.Shared.Reachable {
			reachable = 1
		}
		c.set(telemetry.Reachable, reachable)
	case n.Policy != nil:
		c.set(telemetry.PolicyLoaded, float64(n.Policy.Loaded.Unix()))
		problem := 0.0
		if n.Policy.Problem != "" {
			problem = 1
		}
		c.set(telemetry.PolicyProblem, problem)
	}
}

// budget observes the spending of tenants. Those that share a label are summed up: a sum of
// limits without one that has none would be no limit, so it is observed only if all have
// one.
func (c *collection) budget(b *inspect.Budget) {
	spent, limit := map[string]float64{}, map[string]float64{}
	unlimited := map[string]bool{}
	rest := b.Spent // by tenants that are not listed
	for _, s := range b.Tenants {
		tenant := c.observer.label(s.Tenant)
		spent[tenant] += s.Spent
		limit[tenant] += s.Limit
		unlimited[tenant] = unlimited[tenant] || s.Limit == 0
		rest -= s.Spent
	}
	if b.More > 0 {
		tenant := ""
		if c.observer.tenants.most > 0 {
			tenant = other
		}
		spent[tenant] += max(rest, 0)
		unlimited[tenant] = true // for all that is known
	}
	for tenant, amount := range spent {
		c.set(telemetry.BudgetSpent, amount, telemetry.LabelTenant.String(tenant))
		if !unlimited[tenant] {
			c.set(telemetry.BudgetLimit, limit[tenant], telemetry.LabelTenant.String(tenant))
		}
	}
}

// jobs observes a queue.
func (c *collection) jobs(ctx context.Context, queue Jobs) {
	ctx, cancel := context.WithTimeout(ctx, jobsTimeout)
	defer cancel()
	n, err := queue.Counts(ctx)
	if err != nil {
		c.warn(ctx, "observe: the deferred jobs cannot be counted", err.Error())
		return
	}
	c.set(telemetry.JobsWaiting, float64(n.Pending))
	c.set(telemetry.JobsFailed, float64(n.Failed))
	age := time.Duration(0)
	if !n.Oldest.IsZero() {
		age = max(time.Since(n.Oldest), 0)
	}
	c.set(telemetry.JobsOldest, age.Seconds())
}

// breakerNumber orders the states of a breaker by how few calls it lets through.
func breakerNumber(s inspect.BreakerState) float64 {
	switch s {
	case inspect.HalfOpen:
		return 1
	case inspect.Open:
		return 2
	}
	return 0
}
