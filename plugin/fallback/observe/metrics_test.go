package observe_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// newMeter returns a meter and what reads it: each series, "name{key=value …}", and its sum,
// latest value or count.
func newMeter(t *testing.T) (metric.Meter, func() map[string]float64) {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	return provider.Meter("test"), func() map[string]float64 {
		t.Helper()
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		series := map[string]float64{}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				read(m, series)
			}
		}
		return series
	}
}

func read(m metricdata.Metrics, series map[string]float64) {
	add := func(set attribute.Set, value float64) {
		var labels []string
		for _, kv := range set.ToSlice() {
			if text := kv.Value.String(); text != "" {
				labels = append(labels, string(kv.Key)+"="+text)
			}
		}
		series[m.Name+"{"+strings.Join(labels, " ")+"}"] += value
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Sum)
		}
	}
}

// answered is an answer of gemini-2.5-pro with usage.
func answered() *model.LLMResponse {
	return &model.LLMResponse{
		Content: genai.NewContentFromText("Hello.", genai.RoleModel), FinishReason: genai.FinishReasonStop,
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 1000, CachedContentTokenCount: 400, CandidatesTokenCount: 100},
	}
}

// after is a step that takes d.
func after(d time.Duration, step llmtest.Step) llmtest.Step {
	return func(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-time.After(d):
			step(ctx, req, stream, yield)
		case <-ctx.Done():
			yield(nil, ctx.Err())
		}
	}
}

func ask(t *testing.T, ctx context.Context, m model.LLM) error {
	t.Helper()
	for _, err := range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("hi")}, true) {
		if err != nil {
			return err
		}
	}
	return nil
}

// B140
func TestMetricsOfAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meter, metrics := newMeter(t)
		o := observe.MustNew(meter, nil)
		flash := llmtest.NewModel("gemini-2.5-flash", after(time.Second, llmtest.Fail(llmtest.ErrQuota)))
		pro := llmtest.NewModel("gemini-2.5-pro", after(2*time.Second, llmtest.Respond(answered)))
		m := router.MustFallback(router.Config{Hooks: o.Hooks()}, flash, pro)
		if err := ask(t, call.With(t.Context(), call.Info{Tenant: "acme"}), m); err != nil {
			t.Fatal(err)
		}

		got := metrics()
		want := map[string]float64{
			"fallback.calls{deferred=false fallback=true model=gemini-2.5-pro outcome=ok tenant=" + acme + "}": 1,
			"fallback.call.duration{fallback=true outcome=ok}":                                                 3,
			"fallback.call.first_content{fallback=true outcome=ok}":                                            3,
			"fallback.fallbacks{from=gemini-2.5-flash kind=rate_limit to=gemini-2.5-pro}":                      1,
			"fallback.attempts{kind=rate_limit outcome=failed target=gemini-2.5-flash}":                        1,
			"fallback.attempts{outcome=ok target=gemini-2.5-pro}":                                              1,
			"fallback.attempt.duration{outcome=failed target=gemini-2.5-flash}":                                1,
			"fallback.attempt.duration{outcome=ok target=gemini-2.5-pro}":                                      2,
			"fallback.attempt.first_content{target=gemini-2.5-pro}":                                            2,
			"fallback.tokens{target=gemini-2.5-pro type=input}":                                                1000,
			"fallback.tokens{target=gemini-2.5-pro type=output}":                                               100,
			"fallback.tokens{target=gemini-2.5-pro type=cached}":                                               400,
			"fallback.cost{target=gemini-2.5-pro tenant=" + acme + "}":                                         (600*1.25 + 400*0.125 + 100*10) / 1e6,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
	})
}

// acme is the label of the tenant acme.
const acme = "822b33ad87c1"

// B140
func TestMetricsOfWaitsHedgesAndLastResorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meter, metrics := newMeter(t)
		o := observe.MustNew(meter, nil, observe.WithTenants(0))
		retry := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: time.Second, MaxDelay: time.Second, Rand: func() float64 { return 0 }})
		slow, quick := llmtest.NewModel("slow", after(time.Minute, llmtest.Text("late"))), llmtest.NewModel("quick", llmtest.Text("soon"))
		models := map[string]model.LLM{
			"hedge": router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1}, slow, quick),
			"retry": retry(llmtest.NewModel("flaky", llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("at last"))),
			"last":  llmtest.NewModel("broken", llmtest.Fail(llmtest.ErrQuota)),
			"lost": router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1},
				llmtest.NewModel("first", after(3*time.Second, llmtest.Text("soon"))), llmtest.NewModel("loser", after(time.Minute, llmtest.Text("late")))),
			"failed": router.MustHedge(router.HedgeConfig{Delay: time.Second, MaxExtraLoad: 1},
				llmtest.NewModel("only", after(3*time.Second, llmtest.Text("soon"))), llmtest.NewModel("bad", llmtest.Fail(llmtest.ErrUnavailable))),
		}
		for _, name := range slices.Sorted(maps.Keys(models)) {
			m := router.MustFallback(router.Config{Hooks: o.Hooks()}, models[name], degrade.MustTemplate(degrade.TemplateConfig{Text: "Sorry."}))
			if err := ask(t, t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		got := metrics()
		for series, want := range map[string]float64{
			"fallback.hedges{result=lost target=loser}":                                                                  1,
			"fallback.hedges{result=failed target=bad}":                                                                  1,
			"fallback.hedges{result=won target=quick}":                                                                   1,
			"fallback.attempts{kind=hedge_lost outcome=failed target=slow}":                                              1,
			"fallback.attempt.wait{target=flaky}":                                                                        0.5,
			"fallback.calls{deferred=false degraded=template-response fallback=true model=template-response outcome=ok}": 1,
			"fallback.calls{deferred=false fallback=false model=flaky outcome=ok}":                                       1,
		} {
			if got[series] != want {
				t.Errorf("%s is %v, want %v", series, got[series], want)
			}
		}
		if t.Failed() {
			t.Log(got)
		}
	})
}

// B140
func TestMetricsOfCallsWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meter, metrics := newMeter(t)
		o := observe.MustNew(meter, nil)
		m := router.MustFallback(router.Config{Hooks: o.Hooks()}, llmtest.NewModel("a", after(time.Second, llmtest.Fail(llmtest.ErrUnavailable))))
		ask(t, t.Context(), m)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		ask(t, ctx, m)
		got := metrics()
		for series, want := range map[string]float64{
			"fallback.calls{deferred=false fallback=false outcome=failed}":    1,
			"fallback.calls{deferred=false fallback=false outcome=cancelled}": 1,
			"fallback.fallbacks{from=a kind=overloaded}":                      1,
			"fallback.call.duration{fallback=false outcome=failed}":           1,
			"fallback.attempts{kind=overloaded outcome=failed target=a}":      1,
		} {
			if got[series] != want {
				t.Errorf("%s is %v, want %v; have %v", series, got[series], want, slices.Sorted(maps.Keys(got)))
			}
		}
	})
}

// B141: what users and providers name is bounded in number and length, prints on one line,
// and tells no tenant's name.
func TestHostileNamesInMetrics(t *testing.T) {
	meter, metrics := newMeter(t)
	o := observe.MustNew(meter, nil, observe.WithTenants(3))
	hooks := o.Hooks()
	for i := range 10_000 {
		name := fmt.Sprintf("<script>alert(%d)</script>\n\x1b[31m\u202e\x00%s", i, strings.Repeat("x", 1<<10))
		if i == 0 {
			name = strings.Repeat("y", 1<<20)
		}
		ctx := call.With(t.Context(), call.Info{Tenant: fmt.Sprint("ada@example.com", i)})
		hooks.OnAttempt(ctx, call.Attempt{Model: name, Outcome: call.Failed, Kind: name, Duration: time.Second, InputTokens: 1, Cost: 1})
		hooks.OnEnd(ctx, call.Result{Outcome: call.OK, Metadata: call.Metadata{
			Triggered: true, OriginalModel: name, FallbackModel: name, ModelName: name, CacheStatus: name, ExperimentID: name, Cohort: name, Degraded: name,
		}})
	}
	got := metrics()
	if got["fallback.attempts{kind=other outcome=failed target=other}"] == 0 {
		t.Error("names beyond the bound are not counted as other")
	}
	total, tenants := 0.0, map[string]bool{}
	for series, value := range got {
		if strings.HasPrefix(series, "fallback.calls{") {
			total += value
		}
		if len(series) > 1000 || strings.ContainsFunc(series, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.Contains(series, "ada") {
			t.Errorf("a series is named %.200q, with %d bytes", series, len(series))
		}
		if _, tenant, found := strings.Cut(series, "tenant="); found {
			tenants[tenant] = true
		}
	}
	if total != 10_000 {
		t.Errorf("%v calls are counted, want 10000", total)
	}
	if len(tenants) != 4 {
		t.Errorf("tenants are %v, want 3 and other", tenants)
	}
	if len(got) > 30*70 {
		t.Errorf("there are %d series", len(got))
	}
}

// B141: names that clients invent do not hide the targets of an application.
func TestReservedTargetsHaveMetricsOfTheirOwn(t *testing.T) {
	meter, metrics := newMeter(t)
	o := observe.MustNew(meter, nil)
	hooks := o.Hooks()
	attempt := func(name string) { hooks.OnAttempt(t.Context(), call.Attempt{Model: name, Outcome: call.OK}) }
	for i := range 100 {
		attempt(fmt.Sprint("local-", i))
	}
	o.Reserve("flash", "pro")
	for _, name := range []string{"flash", "pro", "local-0", "local-200"} {
		attempt(name)
	}
	got := metrics()
	for target, want := range map[string]float64{"flash": 1, "pro": 1, "local-0": 2, "other": 37} {
		if n := got["fallback.attempts{outcome=ok target="+target+"}"]; n != want {
			t.Errorf("%s has %v attempts, want %v", target, n, want)
		}
	}
	for i := range 2000 {
		o.Reserve(fmt.Sprint("reserved-", i))
	}
	attempt("reserved-1999")
	if n := metrics()["fallback.attempts{outcome=ok target=other}"]; n != 38 {
		t.Errorf("other has %v attempts, want also that of a target beyond all bounds", n)
	}
	observe.MustNew(nil, nil).Reserve("flash") // no metrics
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		option observe.Option
		want   string
	}{
		"nil":      {nil, "observe: option 1 is nil; remove it"},
		"negative": {observe.WithTenants(-1), "observe: WithTenants: -1 is negative; must be 0 for none, or more"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := observe.New(noop.Meter{}, slog.Default(), c.option); err == nil || err.Error() != c.want {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}
