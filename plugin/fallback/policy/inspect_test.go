package policy_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// outline returns the layers of a tree, with their names where these change.
func outline(n inspect.Node, depth int, above string) string {
	line := strings.Repeat(" ", depth) + n.Layer
	if n.Name != above {
		line += " " + n.Name
	}
	line += "\n"
	for _, inner := range n.Inner {
		line += outline(inner, depth+1, n.Name)
	}
	return line
}

// Every layer with a state is found, also in experiments, hedges and cascades.
func TestInspectPolicy(t *testing.T) {
	m := build(t, `
primary: a
fallbacks: [{name: b}, {name: c}, {name: cached-answer}, {name: template-response}]
circuit_breaker: {}
retry: {}
rate_limits: {concurrency: 5}
timeouts: {primary: 1s}
hedge: {target: c}
cascade: {model: cheap, checks: {min_length: 3}}
cache: {ttl: 1h}
preview: {model: quick}
budgets: {usd_per_day: 3}
experiments: {test: {target: b, arms: [{model: b, share: 50%}, {model: d, share: 50%}]}}
models: {a: {price: {input: 1, output: 1}}, "*": {price: {input: 1, output: 1}}}
`, models(llmtest.NewModel("a"), llmtest.NewModel("b"), llmtest.NewModel("c"), llmtest.NewModel("d"), llmtest.NewModel("cheap"), llmtest.NewModel("quick")))
	want := `policy a
 cache
  progressive
   fallback
    hedge
     cascade cheap
      retry
       breaker
        limit
         timeout
          budget
           model
      retry a
       breaker
        limit
         timeout
          budget
           model
     retry c
      breaker
       limit
        budget
         model
    split b
     retry
      breaker
       limit
        budget
         model
     retry d
      breaker
       limit
        budget
         model
    last resort cached-answer
    last resort template-response
   retry quick
    breaker
     limit
      budget
       model
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(outline(inspect.Of(m), 0, ""), "\n")); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// stateOfFile returns the state of the policy of m.
func stateOfFile(m model.LLM) inspect.Policy { return *inspect.Of(m).Policy }

func TestInspectReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		file := t.TempDir() + "/fallback.yaml"
		writeFile(t, file, "primary: a\n")
		start := time.Now()
		m, err := policy.Watch(ctx, file, quiet, models(llmtest.NewModel("a", llmtest.Text("hello")), llmtest.NewModel("b", llmtest.Text("hello"))))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inspect.Policy{File: file, Loaded: start}, stateOfFile(m)); diff != "" {
			t.Errorf("at first (-want +got):\n%s", diff)
		}

		writeFile(t, file, "primary: [a]\n")
		time.Sleep(10 * time.Second)
		got := stateOfFile(m)
		if !strings.Contains(got.Problem, "primary") || !got.ProblemAt.After(start) || got.Loaded != start || got.Reloads != 0 {
			t.Errorf("with a broken file: %+v", got)
		}

		writeFile(t, file, "primary: b\n")
		time.Sleep(10 * time.Second)
		if got := stateOfFile(m); got.Problem != "" || !got.ProblemAt.IsZero() || !got.Loaded.After(start) || got.Reloads != 1 {
			t.Errorf("with a good file: %+v", got)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if got := stateOfFile(m); got.Problem == "" || got.Reloads != 1 {
			t.Errorf("without a file: %+v", got)
		}
	})
}

// measured returns the sum of each metric.
func measured(t *testing.T, reader sdkmetric.Reader) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					sums[m.Name] += float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					sums[m.Name] += p.Value
				}
			}
		}
	}
	return sums
}

// A model that is out of use must not stay in the metrics, nor in memory.
func TestCloseEndsGauges(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	const file = "primary: a\ncircuit_breaker: {}\nobserve: {}\n"
	live, err := policy.NewLive(t.Context(), parsed(t, file), policy.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))),
		quiet, models(llmtest.NewModel("a", llmtest.Text("hello"))))
	if err != nil {
		t.Fatal(err)
	}
	gauge := func() bool { _, ok := measured(t, reader)["fallback.breaker.state"]; return ok }
	if !gauge() {
		t.Error("a policy in use has no gauge")
	}
	if err := live.Close(); err != nil || gauge() {
		t.Errorf("after Close (%v) the breaker is still in the metrics", err)
	}
	if got := ask(t.Context(), live.Model(), false); got.err != nil || measured(t, reader)["fallback.calls"] != 1 {
		t.Errorf("a call after Close (%v) is not counted", got.err)
	}
	if err := live.Replace(t.Context(), parsed(t, file)); err != nil || !gauge() {
		t.Errorf("a policy put into use after Close (%v) has no gauge", err)
	}
}

// B140: one key turns metrics and logs on; a reload neither doubles nor loses them.
func TestObserveOfAPolicy(t *testing.T) {
	reader, lines := sdkmetric.NewManualReader(), &bytes.Buffer{}
	const rest = "primary: a\nfallbacks: [{name: b}]\ncircuit_breaker: {failure_threshold: 100}\n"
	live, err := policy.NewLive(t.Context(), parsed(t, rest), policy.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))),
		policy.WithLogger(slog.New(slog.NewTextHandler(lines, nil))), models(llmtest.NewModel("a", llmtest.Fail(llmtest.ErrUnavailable)), llmtest.NewModel("b", llmtest.Text("hello"))))
	if err != nil {
		t.Fatal(err)
	}
	m := live.Model()
	for _, step := range []struct {
		file            string
		calls, breakers float64
		logged          int
	}{
		{rest, 0, 0, 0},
		{rest + "observe: {}\n", 1, 2, 1},
		{rest + "observe: {}\ntimeouts: {total: 1m}\n", 2, 2, 1}, // the same section
		{rest + "observe: {log: false}\n", 3, 2, 0},
		{rest + "observe: {metrics: false}\n", 3, 0, 1},
		{rest, 3, 0, 0},
		{rest + "observe: {tenants: 0}\n", 4, 2, 1},
	} {
		if err := live.Replace(t.Context(), parsed(t, step.file)); err != nil {
			t.Fatal(err)
		}
		lines.Reset()
		if got := ask(t.Context(), m, false); got.err != nil {
			t.Fatal(got.err)
		}
		got := measured(t, reader)
		if got["fallback.calls"] != step.calls {
			t.Errorf("%s: %v calls are counted, want %v", step.file, got["fallback.calls"], step.calls)
		}
		if gauges := slices.Collect(maps.Keys(got)); slices.Contains(gauges, "fallback.breaker.state") != (step.breakers > 0) || slices.Contains(gauges, "fallback.policy.loaded") != (step.breakers > 0) {
			t.Errorf("%s: metrics are %v", step.file, gauges)
		}
		if n := strings.Count(lines.String(), "a fallback answered"); n != step.logged {
			t.Errorf("%s: %d lines are logged, want %d", step.file, n, step.logged)
		}
	}
}

// Clients of a gateway may name whatever a pattern of the policy matches. That does not hide the models of the policy.
func TestInventedNamesDoNotHideModelsInMetrics(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	l := live(t, "primary: a\nmodels: {'local-*': {provider: openai, base_url: 'http://127.0.0.1:1/v1'}}\nobserve: {log: false}",
		policy.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), models(llmtest.NewModel("a", llmtest.Text("a"))))
	for i := range 70 {
		ask(t.Context(), chainFor(t, l, fmt.Sprint("local-", i)), false)
	}
	if got := ask(t.Context(), l.Model(), false); got.err != nil {
		t.Fatal(got.err)
	}
	targets := map[string]bool{}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "fallback.attempts" {
				for _, p := range sum.DataPoints {
					value, _ := p.Attributes.Value("target")
					targets[value.AsString()] = true
				}
			}
		}
	}
	if len(targets) != 65 || !targets["a"] || !targets["other"] {
		t.Errorf("%d targets, a %v, other %v; want 64 and other, with a", len(targets), targets["a"], targets["other"])
	}
}
