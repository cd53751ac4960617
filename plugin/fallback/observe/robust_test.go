package observe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// unreadable is a model whose state cannot be read.
type unreadable struct{ model.LLM }

func (unreadable) Inspect() inspect.Node { panic("secret") }

// uncomparable is a model whose state is no key of a map.
type uncomparable struct{ model.LLM }

func (uncomparable) Inspect() inspect.Node { return inspect.Node{State: []int{1}} }

// A collection runs on a goroutine of the exporter, where a panic would end the application.
func TestWatchOfBadModels(t *testing.T) {
	meter, metrics := newMeter(t)
	logger, lines := newLogger(slog.LevelInfo)
	o := observe.MustNew(meter, logger)
	o.Watch(nil)()
	o.Watch((*llmtest.Model)(nil))()
	o.WatchJobs(nil)()
	if metrics(); lines.Len() > 0 {
		t.Errorf("nothing to watch logged %s", lines)
	}
	o.Watch(unreadable{llmtest.NewModel("a")})
	o.Watch(uncomparable{llmtest.NewModel("a")})
	o.WatchJobs(jobs(func() (inspect.Jobs, error) { panic("secret") }))
	o.Watch(middleware.MustBreaker(middleware.BreakerConfig{})(llmtest.NewModel("b")))
	if _, ok := metrics()["fallback.breaker.state{target=b}"]; !ok {
		t.Error("bad models hide the state of others")
	}
	if n := strings.Count(lines.String(), `level=WARN msg="observe: reading the state panicked"`); n != 3 || strings.Contains(lines.String(), "secret") {
		t.Errorf("logged %s", lines)
	}
}

// hanging is a queue whose database does not answer.
type hanging struct{}

func (hanging) Counts(ctx context.Context) (inspect.Jobs, error) {
	<-ctx.Done()
	return inspect.Jobs{}, ctx.Err()
}

func TestCollectionDoesNotWaitForAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meter, metrics := newMeter(t)
		o := observe.MustNew(meter, nil)
		o.WatchJobs(hanging{})
		start := time.Now()
		if metrics(); time.Since(start) != 5*time.Second {
			t.Errorf("the collection took %v, want 5s", time.Since(start))
		}
	})
}

// A view that drops one metric leaves the others.
func TestMetricsWithDroppedOnes(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	drop := func(name string) sdkmetric.View {
		return sdkmetric.NewView(sdkmetric.Instrument{Name: name}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}})
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithView(drop("fallback.attempts"), drop("fallback.calls")))
	o := observe.MustNew(provider.Meter(""), nil)
	o.Hooks().OnAttempt(t.Context(), call.Attempt{Model: "a", Outcome: call.OK, InputTokens: 7})
	o.Hooks().OnEnd(t.Context(), call.Result{Outcome: call.OK, Duration: time.Second})
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		read(m, series)
	}
	if series["fallback.tokens{target=a type=input}"] != 7 || series["fallback.call.duration{fallback=false outcome=ok}"] != 1 {
		t.Errorf("metrics are %v", series)
	}
}

// poorMeter is a meter whose last instrument fails.
type poorMeter struct {
	metric.Meter
	name      string
	callbacks int
}

func (f *poorMeter) Int64Counter(name string, options ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	if name == f.name {
		return nil, errors.New("no counter")
	}
	return f.Meter.Int64Counter(name, options...)
}

func (f *poorMeter) Float64ObservableGauge(name string, options ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	if name == f.name {
		return nil, errors.New("no gauge")
	}
	return f.Meter.Float64ObservableGauge(name, options...)
}

func (f *poorMeter) RegisterCallback(c metric.Callback, all ...metric.Observable) (metric.Registration, error) {
	f.callbacks++
	return f.Meter.RegisterCallback(c, all...)
}

func TestNewWithAFailingMeter(t *testing.T) {
	for _, name := range []string{"fallback.hedges", "fallback.jobs.oldest"} {
		meter := &poorMeter{Meter: noop.Meter{}, name: name}
		if o, err := observe.New(meter, nil); err == nil || o != nil {
			t.Errorf("%s fails: New returns %v, %v", name, o, err)
		}
		if meter.callbacks > 0 {
			t.Errorf("%s fails: a callback stays registered", name)
		}
	}
	meter := &poorMeter{Meter: noop.Meter{}}
	if _, err := observe.New(meter, nil, observe.WithTenants(-1)); err == nil || meter.callbacks > 0 {
		t.Errorf("a wrong option gives %v, and %d callbacks", err, meter.callbacks)
	}
}

// The sum over tenants is what all have spent, however few are listed.
func TestBudgetOfManyTenants(t *testing.T) {
	const most = inspect.MaxTenants + 50
	for tenants, want := range map[int]int{0: 1, 4: 5, 32: 33} {
		meter, metrics := newMeter(t)
		o := observe.MustNew(meter, nil, observe.WithTenants(tenants))
		budget := middleware.MustBudget(middleware.BudgetConfig{Limit: 10, Price: func(string, *model.LLMRequest) (float64, bool) { return 0.25, true }})
		m := budget.Middleware()(llmtest.NewModel("a", llmtest.Text("hello")))
		for i := range most {
			if err := ask(t, call.With(t.Context(), call.Info{Tenant: fmt.Sprint(i)}), m); err != nil {
				t.Fatal(err)
			}
		}
		o.Watch(m)
		sum, n := 0.0, 0
		for series, value := range metrics() {
			if strings.HasPrefix(series, "fallback.budget.spent{") {
				sum, n = sum+value, n+1
			}
			if series == "fallback.budget.limit{tenant=other}" || series == "fallback.budget.limit{}" {
				t.Errorf("%d tenants: %s is %v, but more tenants have limits", tenants, series, value)
			}
		}
		if math.Abs(sum-0.25*most) > 1e-6 || n != want {
			t.Errorf("%d tenants: %v USD in %d series, want %v in %d", tenants, sum, n, 0.25*most, want)
		}
	}
}

// B141
func TestHugeNames(t *testing.T) {
	meter, metrics := newMeter(t)
	o := observe.MustNew(meter, nil)
	huge := strings.Repeat("ab", 1<<19)
	bad := "b\xff\n\u202e"
	ctx := call.With(t.Context(), call.Info{Tenant: huge, Invocation: huge})
	o.Hooks().OnEnd(ctx, call.Result{Outcome: call.OK, Metadata: call.Metadata{ModelName: huge}})
	o.Hooks().OnEnd(ctx, call.Result{Outcome: call.OK, Metadata: call.Metadata{ModelName: huge}})
	o.Hooks().OnAttempt(ctx, call.Attempt{Model: bad, Outcome: call.Failed, Kind: bad})
	got := metrics()
	for _, series := range []string{
		"fallback.calls{deferred=false fallback=false model=" + strings.Repeat("ab", 30) + "a… outcome=ok tenant=bd5752c813c1}",
		"fallback.attempts{kind=b\uFFFD \uFFFD outcome=failed target=b\uFFFD \uFFFD}",
	} {
		if got[series] == 0 {
			t.Errorf("there is no %s in %v", series, got)
		}
	}
	if err := o.Feedback(t.Context(), huge, 1); !errors.Is(err, observe.ErrUnknownInvocation) {
		t.Errorf("a huge invocation is remembered: %v", err)
	}
}

// Thumbs in an application without metrics are no errors.
func TestFeedbackWithoutMeter(t *testing.T) {
	o := observe.MustNew(nil, nil)
	m := router.MustFallback(router.Config{Hooks: o.Hooks()}, llmtest.NewModel("a", llmtest.Text("hello")))
	if err := ask(t, call.With(t.Context(), call.Info{Invocation: "i-1"}), m); err != nil {
		t.Fatal(err)
	}
	if err := o.Feedback(t.Context(), "i-1", 1); err != nil {
		t.Error(err)
	}
	if err := o.Feedback(t.Context(), "i-1", 2); err == nil {
		t.Error("score 2 is accepted")
	}
	if err := o.FeedbackOn(t.Context(), call.Metadata{}, -2); err == nil {
		t.Error("score -2 is accepted")
	}
}
