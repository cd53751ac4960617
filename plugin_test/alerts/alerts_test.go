package alerts_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/alerts"
	"github.com/adk-fallback/adk-fallback/internal/promtool"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// backup has a name that is longer than a label may be, in two scripts.
const backup = "our-own-model-in-the-house-of-the-help-desk-in-Tokyo/東京/東京/東京/東京-2"

// alerted is the policy of the scenarios. The rules are made for one that also defers
// answers; here, a fake counts them.
const alerted = `
primary: gemini-2.5-pro
fallbacks: [{name: "` + backup + `"}, {name: template-response}]
circuit_breaker: {}
budgets: {usd_per_day: 24}
models:
  gemini-2.5-pro: {price: {input: 10, output: 10}}
  ` + backup + `: {price: {input: 10, output: 10}}
observe: {log: false}
alerts: {selector: {job: assistant}}
`

// weather is what happens in a minute of a scenario.
type weather struct {
	calls        int  // at even intervals
	primary      bool // the primary fails
	backup       bool // so does the fallback
	one          int  // every one-th call of the primary fails; 0 for none
	tokens       int  // of a call, at $10 for a million; 20 if there are fewer
	cancelled    int  // calls that the caller has ended; each is charged its reserve
	waiting      int  // deferred jobs
	waitingSince int  // minute
}

// B142: with the metrics that the observer of a policy really records, exported as
// Prometheus sees them, each alert fires in its scenario and is quiet in the healthy one.
func TestAlertsOnRealMetrics(t *testing.T) {
	seen := exposition{}
	var file strings.Builder
	file.WriteString("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n")
	for _, s := range []struct {
		name    string
		minutes int
		at      func(minute int) weather
		want    []string
	}{
		{"healthy", 65, func(m int) weather { return weather{calls: 30, tokens: 50, cancelled: yes(m < 5)} }, nil},
		{"the primary is down", 20, func(int) weather { return weather{calls: 30, primary: true} }, []string{"FallbackPrimaryErrors", "FallbackRateHigh"}},
		{"the primary goes down", 30, func(m int) weather { return weather{calls: 30, primary: m >= 15} }, []string{"FallbackPrimaryErrors", "FallbackRateHigh"}},
		{"the primary is up again", 40, func(m int) weather { return weather{calls: 30, primary: m >= 10 && m < 20} }, nil},
		{"every tenth call of the primary fails", 20, func(int) weather { return weather{calls: 30, one: 8} }, []string{"FallbackPrimaryErrors", "FallbackRateHigh"}},
		{"every 50th call of the primary fails", 20, func(int) weather { return weather{calls: 30, one: 50} }, nil},
		{"all models are down", 20, func(m int) weather { return weather{calls: 30, primary: m >= 5, backup: m >= 5} },
			[]string{"FallbackAllTargetsOpen", "FallbackDegradedAnswers", "FallbackPrimaryErrors", "FallbackRateHigh"}},
		{"all models are down at three calls an hour", 65, func(m int) weather { return weather{calls: yes(m%20 == 0), primary: true, backup: true} }, nil},
		{"a tenant spends a budget in two hours", 65, func(int) weather { return weather{calls: 30, tokens: 666} }, []string{"FallbackBudgetBurn"}},
		{"a tenant has spent most of its budget, and is quiet", 65, func(m int) weather { return weather{calls: 30 * yes(m < 10), tokens: 7000} }, []string{"FallbackBudgetSpent"}},
		{"a tenant has spent its budget, and goes on", 30, func(int) weather { return weather{calls: 30, tokens: 7000} }, []string{"FallbackBudgetSpent", "FallbackRateHigh"}},
		{"a deferred job waits", 25, func(m int) weather { return weather{calls: 30, waiting: yes(m > 2), waitingSince: 2} }, []string{"FallbackJobsWaiting"}},
		{"many deferred jobs wait", 5, func(m int) weather { return weather{calls: 30, waiting: 200, waitingSince: m} }, []string{"FallbackJobsWaiting"}},
	} {
		series := play(t, s.minutes, s.at)
		fmt.Fprintf(&file, "- interval: 1m\n  input_series:\n")
		for _, name := range slices.Sorted(maps.Keys(series)) {
			seen.add(series[name].name, series[name].labels)
			if !strings.HasSuffix(series[name].name, "_bucket") { // which no alert reads
				fmt.Fprintf(&file, "  - series: %s\n    values: %s\n", inYAML(name), series[name].text(s.minutes))
			}
		}
		fmt.Fprintf(&file, "  promql_expr_test:\n  - expr: %s\n    eval_time: %dm\n", inYAML(`count by (alertname) (ALERTS{alertstate="firing"}) # `+s.name), s.minutes)
		for i, name := range s.want {
			if i == 0 {
				file.WriteString("    exp_samples:\n")
			}
			fmt.Fprintf(&file, "    - {labels: '{alertname=\"%s\"}', value: 1}\n", name)
		}
	}

	rules := rulesOf(t, strings.Replace(alerted, "{name: template-response}", "{name: deferred-answer}, {name: template-response}", 1))
	seen.has(t, rules)
	dir := t.TempDir()
	for name, text := range map[string]string{"rules.yaml": rules, "rules_test.yaml": file.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := promtool.Run(t, "test", "rules", filepath.Join(dir, "rules_test.yaml")); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

func rulesOf(t *testing.T, policy string) string {
	t.Helper()
	p, err := spec.Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := alerts.Rules(p, "fallback.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(rules)
}

// scraped is a series with its values, one for each minute; NaN before it exists.
type scraped struct {
	name   string
	labels map[string]string
	values map[int]float64
}

// text returns the values as promtool reads them.
func (s *scraped) text(minutes int) string {
	var b strings.Builder
	for minute := range minutes + 1 {
		if value, ok := s.values[minute]; ok && !math.IsNaN(value) {
			fmt.Fprintf(&b, "%v ", value)
		} else {
			b.WriteString("_ ")
		}
	}
	return "'" + strings.TrimSpace(b.String()) + "'"
}

// inYAML quotes a text.
func inYAML(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// play returns the series that Prometheus scrapes every minute, in virtual time.
func play(t *testing.T, minutes int, at func(minute int) weather) (series map[string]*scraped) {
	t.Helper()
	series = make(map[string]*scraped)
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
		if err != nil {
			t.Fatal(err)
		}
		provider := metric.NewMeterProvider(metric.WithReader(exporter))
		var now weather
		failing := func(n int) bool { return now.primary || now.one > 0 && n%now.one == 0 }
		primary := &simulated{name: "gemini-2.5-pro", now: &now, fails: failing}
		fallback := &simulated{name: backup, now: &now, fails: func(int) bool { return now.backup }}
		m := live(t, provider, primary, fallback)
		queue := observe.MustNew(provider.Meter("jobs"), nil)
		queue.WatchJobs(waitingJobs{&now, time.Now()})
		for minute := range minutes + 1 {
			now = at(minute)
			scrape(t, registry, series, minute)
			for i := range now.calls + now.cancelled {
				ctx, cancel := context.WithCancel(call.With(t.Context(), call.Info{Tenant: "acme"}))
				if i >= now.calls {
					cancel()
				}
				for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("When do you open?")}, false) {
				}
				cancel()
				time.Sleep(time.Minute / time.Duration(now.calls+now.cancelled))
			}
			if now.calls+now.cancelled == 0 {
				time.Sleep(time.Minute)
			}
		}
	})
	return series
}

// live builds the policy.
func live(t *testing.T, provider *metric.MeterProvider, primary, fallback model.LLM) model.LLM {
	t.Helper()
	p, err := spec.Parse([]byte(alerted))
	if err != nil {
		t.Fatal(err)
	}
	m, err := policy.Build(t.Context(), p, policy.Models{primary.Name(): primary, fallback.Name(): fallback},
		policy.WithMeterProvider(provider), policy.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// scrape adds the values of a minute.
func scrape(t *testing.T, registry *prometheus.Registry, series map[string]*scraped, minute int) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, labels map[string]string, value float64) {
		labels["job"], labels["instance"] = "assistant", "a"
		parts := make([]string, 0, len(labels))
		for _, label := range slices.Sorted(maps.Keys(labels)) {
			parts = append(parts, fmt.Sprintf("%s=%q", label, labels[label]))
		}
		full := name + "{" + strings.Join(parts, ",") + "}"
		if series[full] == nil {
			series[full] = &scraped{name, labels, make(map[int]float64)}
		}
		series[full].values[minute] = value
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := make(map[string]string)
			for _, pair := range m.GetLabel() {
				if pair.GetValue() != "" { // which is no label at all in Prometheus
					labels[pair.GetName()] = pair.GetValue()
				}
			}
			switch {
			case m.Counter != nil:
				set(family.GetName(), labels, m.Counter.GetValue())
			case m.Gauge != nil:
				set(family.GetName(), labels, m.Gauge.GetValue())
			case m.Histogram != nil:
				for _, bucket := range m.Histogram.GetBucket() {
					of := maps.Clone(labels)
					of["le"] = fmt.Sprint(bucket.GetUpperBound())
					set(family.GetName()+"_bucket", of, float64(bucket.GetCumulativeCount()))
				}
			}
		}
	}
}

// exposition has the values of each label of each metric that was scraped.
type exposition map[string]map[string]map[string]bool

func (e exposition) add(metric string, labels map[string]string) {
	if e[metric] == nil {
		e[metric] = make(map[string]map[string]bool)
	}
	for label, value := range labels {
		if e[metric][label] == nil {
			e[metric][label] = make(map[string]bool)
		}
		e[metric][label][value] = true
	}
}

// has reports metrics, labels and values that rules mention and that do not exist.
func (e exposition) has(t *testing.T, rules string) {
	t.Helper()
	mentioned := 0
	for line := range strings.Lines(rules) {
		for _, s := range promtool.Selectors(line) {
			if strings.Contains(s.Metric, ":") { // recorded
				continue
			}
			mentioned++
			if e[s.Metric] == nil {
				t.Errorf("there is no metric %s: %s", s.Metric, line)
				continue
			}
			for _, m := range s.Matchers {
				values := []string{m.Value}
				if strings.HasSuffix(m.Operator, "~") {
					values = strings.Split(strings.ReplaceAll(m.Value, `\`, ""), "|") // no name here has either
				}
				for _, value := range values {
					if m.Operator != "!~" && value != "" && !e[s.Metric][m.Label][value] || e[s.Metric][m.Label] == nil {
						t.Errorf("%s has no label %s with the value %q: %s", s.Metric, m.Label, value, line)
					}
				}
			}
		}
	}
	if mentioned < 20 {
		t.Errorf("%d metrics in the rules; want all", mentioned)
	}
}

// simulated is a model whose calls take 100 ms, or fail at once.
type simulated struct {
	name  string
	now   *weather
	fails func(n int) bool
	calls int
}

func (s *simulated) Name() string { return s.name }

func (s *simulated) GenerateContent(ctx context.Context, _ *model.LLMRequest, _ bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		if ctx.Err() != nil {
			yield(nil, ctx.Err())
			return
		}
		s.calls++
		if s.fails(s.calls) {
			yield(nil, genai.APIError{Code: 503, Status: "UNAVAILABLE", Message: "The model is overloaded."})
			return
		}
		time.Sleep(100 * time.Millisecond)
		tokens := int32(max(s.now.tokens, 20)) // the charge for an unknown number is a reserve
		yield(&model.LLMResponse{
			Content: genai.NewContentFromText("We open at nine.", genai.RoleModel), TurnComplete: true,
			UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: tokens, TotalTokenCount: tokens},
		}, nil)
	}
}

// waitingJobs counts the deferred jobs of a scenario.
type waitingJobs struct {
	now     *weather
	started time.Time
}

func (w waitingJobs) Counts(context.Context) (inspect.Jobs, error) {
	if w.now.waiting == 0 {
		return inspect.Jobs{}, nil
	}
	return inspect.Jobs{Pending: w.now.waiting, Oldest: w.started.Add(time.Duration(w.now.waitingSince) * time.Minute)}, nil
}
