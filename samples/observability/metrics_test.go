package main

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/promtool"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
)

// exposed returns the labels of every metric that package observe can record, as
// OpenTelemetry's exporter for Prometheus writes them.
func exposed(t *testing.T) map[string]map[string]bool {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	o := observe.MustNew(metric.NewMeterProvider(metric.WithReader(exporter)).Meter("test"), nil)
	o.Watch(everything{})
	o.WatchJobs(oneJob{})
	ctx := call.With(t.Context(), call.Info{Tenant: "acme"})
	attempt := call.Attempt{
		Model: "m", Outcome: call.Failed, Kind: "server", Wait: time.Second, Duration: time.Second, FirstContent: time.Second,
		InputTokens: 1, OutputTokens: 1, CachedTokens: 1, CachedTokensLost: 1, Cost: 1, Hedge: true,
	}
	md := call.Metadata{
		Triggered: true, OriginalModel: "m", FallbackModel: "n", ModelName: "n", Degraded: "template-response", CacheStatus: "miss",
		ExperimentID: "e", Cohort: "c", Attempts: []call.Attempt{{Model: "m", Outcome: call.Failed, Kind: "server"}},
	}
	o.Hooks().OnAttempt(ctx, attempt)
	o.Hooks().OnEnd(ctx, call.Result{Metadata: md, Outcome: call.OK, Duration: time.Second, FirstContent: time.Second})
	if err := o.FeedbackOn(ctx, md, 1); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]bool)
	for _, family := range families {
		names := []string{family.GetName()}
		for _, m := range family.GetMetric() {
			labels := make(map[string]bool)
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = true
			}
			if m.Histogram != nil {
				names = []string{family.GetName() + "_bucket", family.GetName() + "_sum", family.GetName() + "_count"}
				labels["le"] = true
			}
			for _, name := range names {
				if all[name] == nil {
					all[name] = make(map[string]bool)
				}
				maps.Copy(all[name], labels)
			}
		}
	}
	return all
}

// everything is a model with a state of every kind.
type everything struct{}

func (everything) Name() string { return "m" }

func (everything) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return nil
}

func (everything) Inspect() inspect.Node {
	nodes := []inspect.Node{
		{Breaker: &inspect.Breaker{State: inspect.Open}}, {Limit: &inspect.Limit{Pace: 1}}, {Retry: &inspect.RetryBudget{}}, {Hedge: &inspect.Hedge{}},
		{Budget: &inspect.Budget{Tenants: []inspect.Spending{{Tenant: "acme", Limit: 1}}}}, {Cache: &inspect.Cache{}},
		{Split: &inspect.Split{Experiment: "e", Arms: []inspect.Arm{{Cohort: "c"}}}}, {Policy: &inspect.Policy{Loaded: time.Unix(1, 0)}},
		{Shared: &inspect.State{}},
	}
	for i := range nodes {
		nodes[i].Name, nodes[i].State = "m", i
	}
	return inspect.Node{Layer: "fallback", Name: "m", Inner: nodes}
}

// oneJob is a queue with a job.
type oneJob struct{}

func (oneJob) Counts(context.Context) (inspect.Jobs, error) {
	return inspect.Jobs{Pending: 1, Oldest: time.Now()}, nil
}

// The dashboard and the rules use metrics and labels that exist, and together they show
// every metric. B142
func TestQueriesUseMetricsThatExist(t *testing.T) {
	all := exposed(t)
	recorded := make(map[string]bool)
	for line := range strings.Lines(read(t, "rules.yaml")) {
		if _, name, ok := strings.Cut(line, "- record: "); ok {
			recorded[strings.TrimSpace(name)] = true
		}
	}
	shown := make(map[string]bool)
	for _, q := range append(queries(), strings.Split(read(t, "rules.yaml"), "\n")...) {
		for _, s := range promtool.Selectors(q) {
			shown[s.Metric] = true
			labels, ok := all[s.Metric]
			if !ok && !recorded[s.Metric] {
				t.Errorf("there is no metric %s: %s", s.Metric, q)
				continue
			}
			for _, m := range s.Matchers {
				if ok && !labels[m.Label] && m.Label != "job" && m.Label != "instance" {
					t.Errorf("%s has no label %s: %s", s.Metric, m.Label, q)
				}
			}
		}
	}
	for _, metric := range slices.Sorted(maps.Keys(all)) {
		histogram := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(metric, "fallback_") && !shown[metric] && !shown[histogram+"_bucket"] && !shown[histogram+"_sum"] {
			t.Errorf("neither the dashboard nor a recorded rule shows %s", metric)
		}
	}
}
