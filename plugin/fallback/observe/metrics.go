package observe

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Boundaries of the buckets of histograms, in seconds. Those of models are the GenAI
// convention's for gen_ai.client.operation.duration.
var (
	modelSeconds    = []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	overheadSeconds = []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2, 0.1}
	scores          = []float64{-1, -0.5, 0, 0.5, 1}
)

// metrics has the instruments that calls record to.
type metrics struct {
	calls, fallbacks, cached, experiments, attempts, hedges, tokens metric.Int64Counter
	cost                                                            metric.Float64Counter

	callTime, callFirst, callOverhead, attemptTime, attemptFirst, attemptWait, feedback metric.Float64Histogram

	targets, kinds, statuses, cohorts names

	byCall       series[callKey]
	byTime       series[timeKey]
	byFallback   series[fallbackKey]
	byStatus     series[string]
	byCohort     series[cohortKey]
	byAttempt    series[attemptKey]
	byTarget     series[string]
	byHedge      series[pair]
	byToken      series[pair]
	byPayer      series[pair]
	byJudgement  series[judgementKey]
	noAttributes series[struct{}]
}

// Attributes of the instruments.
type (
	callKey struct {
		outcome         call.Outcome
		model, degraded string
		fallback        bool
		deferred        bool
		tenant          string
	}
	timeKey struct {
		outcome  call.Outcome
		fallback bool
	}
	fallbackKey  struct{ from, to, kind string }
	cohortKey    struct{ experiment, cohort, outcome, fallback string }
	attemptKey   struct{ target, outcome, kind string }
	pair         struct{ first, second string }
	judgementKey struct{ model, experiment, cohort, kind string }
)

// texts returns attributes with the values of a key.
func texts(keys ...attribute.Key) func(values ...string) []attribute.KeyValue {
	return func(values ...string) []attribute.KeyValue {
		all := make([]attribute.KeyValue, len(values))
		for i, value := range values {
			all[i] = keys[i].String(value)
		}
		return all
	}
}

func newMetrics(meter metric.Meter) (*metrics, error) {
	m := &metrics{targets: newNames(), kinds: newNames(), statuses: newNames(), cohorts: newNames()}
	i := instruments{meter: meter}
	m.calls, m.fallbacks, m.cached, m.experiments = i.counter(telemetry.Calls), i.counter(telemetry.Fallbacks), i.counter(telemetry.Cached), i.counter(telemetry.Experiments)
	m.attempts, m.hedges, m.tokens = i.counter(telemetry.Attempts), i.counter(telemetry.Hedges), i.counter(telemetry.Tokens)
	m.callTime, m.callFirst = i.histogram(telemetry.CallDuration, modelSeconds), i.histogram(telemetry.CallFirst, modelSeconds)
	m.attemptTime, m.attemptFirst, m.attemptWait = i.histogram(telemetry.AttemptTime, modelSeconds), i.histogram(telemetry.AttemptFirst, modelSeconds), i.histogram(telemetry.AttemptWait, modelSeconds)
	m.callOverhead, m.feedback = i.histogram(telemetry.CallOverhead, overheadSeconds), i.histogram(telemetry.Feedback, scores)
	var err error
	m.cost, err = meter.Float64Counter(telemetry.Cost.Name, metric.WithUnit(telemetry.Cost.Unit), metric.WithDescription(telemetry.Cost.Description))
	i.problems = append(i.problems, err)

	m.byCall.attributes = func(k callKey) []attribute.KeyValue {
		return []attribute.KeyValue{
			telemetry.LabelOutcome.String(string(k.outcome)), telemetry.LabelModel.String(k.model), telemetry.LabelDegraded.String(k.degraded),
			telemetry.LabelFallback.Bool(k.fallback), telemetry.LabelDeferred.Bool(k.deferred), telemetry.LabelTenant.String(k.tenant),
		}
	}
	m.byTime.attributes = func(k timeKey) []attribute.KeyValue {
		return []attribute.KeyValue{telemetry.LabelOutcome.String(string(k.outcome)), telemetry.LabelFallback.Bool(k.fallback)}
	}
	m.byFallback.attributes = func(k fallbackKey) []attribute.KeyValue {
		return texts(telemetry.LabelFrom, telemetry.LabelTo, telemetry.LabelKind)(k.from, k.to, k.kind)
	}
	m.byCohort.attributes = func(k cohortKey) []attribute.KeyValue {
		return texts(telemetry.LabelExperiment, telemetry.LabelCohort, telemetry.LabelOutcome, telemetry.LabelFallback)(k.experiment, k.cohort, k.outcome, k.fallback)
	}
	m.byAttempt.attributes = func(k attemptKey) []attribute.KeyValue {
		return texts(telemetry.LabelTarget, telemetry.LabelOutcome, telemetry.LabelKind)(k.target, k.outcome, k.kind)
	}
	m.byJudgement.attributes = func(k judgementKey) []attribute.KeyValue {
		return texts(telemetry.LabelModel, telemetry.LabelExperiment, telemetry.LabelCohort, telemetry.LabelKind)(k.model, k.experiment, k.cohort, k.kind)
	}
	m.byStatus.attributes = func(status string) []attribute.KeyValue { return texts(telemetry.LabelStatus)(status) }
	m.byTarget.attributes = func(target string) []attribute.KeyValue { return texts(telemetry.LabelTarget)(target) }
	two := func(keys ...attribute.Key) func(pair) []attribute.KeyValue {
		return func(p pair) []attribute.KeyValue { return texts(keys...)(p.first, p.second) }
	}
	m.byHedge.attributes, m.byToken.attributes = two(telemetry.LabelTarget, telemetry.LabelResult), two(telemetry.LabelTarget, telemetry.LabelType)
	m.byPayer.attributes = two(telemetry.LabelTarget, telemetry.LabelTenant)
	m.noAttributes.attributes = func(struct{}) []attribute.KeyValue { return nil }
	return m, errors.Join(i.problems...)
}

// wanted reports whether any of the instruments records: without an SDK, none does, and a
// view may drop some.
func wanted(ctx context.Context, all ...interface{ Enabled(context.Context) bool }) bool {
	return slices.ContainsFunc(all, func(i interface{ Enabled(context.Context) bool }) bool { return i.Enabled(ctx) })
}

// attempt records an attempt.
func (m *metrics) attempt(ctx context.Context, a call.Attempt, tenant string) {
	target, kind := m.targets.of(a.Model), m.kinds.of(a.Kind)
	m.attempts.Add(ctx, 1, m.byAttempt.at(attemptKey{target, string(a.Outcome), kind}).add...)
	if a.Outcome == call.Skipped {
		return
	}
	ofTarget := m.byTarget.at(target)
	if a.Duration > 0 {
		m.attemptTime.Record(ctx, a.Duration.Seconds(), m.byAttempt.at(attemptKey{target, string(a.Outcome), ""}).record...)
	}
	if a.FirstContent > 0 {
		m.attemptFirst.Record(ctx, a.FirstContent.Seconds(), ofTarget.record...)
	}
	if a.Wait > 0 {
		m.attemptWait.Record(ctx, a.Wait.Seconds(), ofTarget.record...)
	}
	if a.Hedge {
		m.hedges.Add(ctx, 1, m.byHedge.at(pair{target, hedgeResult(a)}).add...)
	}
	m.count(ctx, target, "input", a.InputTokens)
	m.count(ctx, target, "output", a.OutputTokens)
	m.count(ctx, target, "cached", a.CachedTokens)
	m.count(ctx, target, "cached_lost", a.CachedTokensLost)
	if a.Cost > 0 {
		m.cost.Add(ctx, a.Cost, m.byPayer.at(pair{target, tenant}).add...)
	}
}

// count records tokens of one type.
func (m *metrics) count(ctx context.Context, target, kind string, tokens int) {
	if tokens > 0 {
		m.tokens.Add(ctx, int64(tokens), m.byToken.at(pair{target, kind}).add...)
	}
}

// hedgeResult says how an attempt beside a slow one ended.
func hedgeResult(a call.Attempt) string {
	switch {
	case a.Outcome == call.OK:
		return "won"
	case a.Kind == string(stream.KindHedgeLost):
		return "lost"
	}
	return "failed"
}

// end records a call.
func (m *metrics) end(ctx context.Context, r call.Result, tenant string) {
	fallback := r.Triggered && r.Outcome == call.OK
	m.calls.Add(ctx, 1, m.byCall.at(callKey{r.Outcome, m.targets.of(r.ModelName), m.targets.of(r.Degraded), fallback, caller.IsDeferred(ctx), tenant}).add...)
	ofTime := m.byTime.at(timeKey{r.Outcome, fallback})
	m.callTime.Record(ctx, r.Duration.Seconds(), ofTime.record...)
	if r.FirstContent > 0 {
		m.callFirst.Record(ctx, r.FirstContent.Seconds(), ofTime.record...)
	}
	if overhead, ok := overheadOf(r); ok {
		m.callOverhead.Record(ctx, overhead.Seconds(), m.noAttributes.at(struct{}{}).record...)
	}
	if r.Triggered {
		key := fallbackKey{m.targets.of(r.OriginalModel), m.targets.of(r.FallbackModel), m.kinds.of(cause(r.Metadata))}
		m.fallbacks.Add(ctx, 1, m.byFallback.at(key).add...)
	}
	if r.CacheStatus != "" {
		m.cached.Add(ctx, 1, m.byStatus.at(m.statuses.of(r.CacheStatus)).add...)
	}
	if r.ExperimentID != "" || r.Cohort != "" {
		key := cohortKey{m.cohorts.of(r.ExperimentID), m.cohorts.of(r.Cohort), string(r.Outcome), yes(fallback)}
		m.experiments.Add(ctx, 1, m.byCohort.at(key).add...)
	}
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// overheadOf returns the time of a call that was spent neither in attempts nor in waits. ok
// is false where attempts overlap, or are not all known, and for a result of the plugin,
// whose duration is that of its attempts.
func overheadOf(r call.Result) (overhead time.Duration, ok bool) {
	overhead = r.Duration
	for _, a := range r.Attempts {
		if a.Hedge || a.Kind == string(stream.KindPreview) {
			return 0, false
		}
		overhead -= a.Wait + a.Duration
	}
	return overhead, overhead > 0 && r.AttemptsDropped == 0 && r.Outcome != call.Cancelled
}

// cause returns the kind of the failure for which a call has left its first target: that
// of the latest attempt that failed, or else of the latest skipped target. It is "" if only
// an earlier call of the turn has failed.
func cause(md call.Metadata) (kind string) {
	for _, a := range md.Attempts {
		switch {
		case a.Kind == string(stream.KindPreview) || a.Kind == string(stream.KindHedgeLost):
		case a.Outcome == call.Failed:
			kind = a.Kind
		case a.Outcome == call.Skipped && kind == "":
			kind = a.Kind
		}
	}
	return kind
}

// instruments creates instruments and collects the errors.
type instruments struct {
	meter    metric.Meter
	problems []error
}

func (i *instruments) counter(m telemetry.Metric) metric.Int64Counter {
	c, err := i.meter.Int64Counter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description))
	i.problems = append(i.problems, err)
	return c
}

func (i *instruments) histogram(m telemetry.Metric, boundaries []float64) metric.Float64Histogram {
	h, err := i.meter.Float64Histogram(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description), metric.WithExplicitBucketBoundaries(boundaries...))
	i.problems = append(i.problems, err)
	return h
}
