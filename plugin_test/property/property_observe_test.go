package property_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
)

// scripts is how many random scripts of faults TestMetricsAgree plays.
const scripts = 2000

// B140: whatever the faults, metrics, spans and log lines count what the record of each call
// has, and what the models themselves have seen.
func TestMetricsAgree(t *testing.T) {
	for seed := range race.Runs(scripts) {
		p := aPlan.Example(seed)
		p.Hedged, p.Stream = seed%4 == 0, seed%3 == 0
		p.Deadline = 10 * time.Minute
		if seed%2 == 0 {
			p.StopAfter = 0
		}
		if diff := p.account(t); diff != "" {
			t.Fatalf("script %d: %+v\n%s", seed, p, diff)
		}
	}
}

// books is what one observer of a plan has counted.
type books struct {
	Calls    map[string]int // by outcome
	Attempts map[string]int // by target, outcome and kind
	Input    map[string]int // tokens by target
	Lines    int
	Spans    map[string]int // by target and outcome
}

func newBooks() books {
	return books{Calls: map[string]int{}, Attempts: map[string]int{}, Input: map[string]int{}, Spans: map[string]int{}}
}

// account plays a plan and returns how the books of its observers differ.
func (p *plan) account(t *testing.T) (diff string) {
	synctest.Test(t, func(t *testing.T) {
		reader, spans, lines := sdkmetric.NewManualReader(), tracetest.NewSpanRecorder(), &bytes.Buffer{}
		observer := observe.MustNew(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(""), slog.New(slog.NewTextHandler(lines, nil)))
		record := newBooks()
		l := &ledger{}
		p.Hooks = call.Join(observer.Hooks(), record.hooks())
		m := p.build(l)
		stopped := false
		for range p.Calls {
			stopped = p.consume(t, m, spans) || stopped
		}
		time.Sleep(time.Hour) // for whatever might still go on

		measured := readBooks(t, reader)
		measured.Lines = strings.Count(lines.String(), "\n")
		measured.Spans = spanned(spans, stopped)
		if stopped {
			record.Spans = measured.Spans // an attempt that nobody waits for is on no record
		}
		diff = cmp.Diff(record, measured)
		if made := made(l); !stopped && diff == "" {
			diff = cmp.Diff(made, called(measured.Attempts))
		}
	})
	return diff
}

// consume makes one call and reports whether its consumer has stopped it.
func (p *plan) consume(t *testing.T, m model.LLM, spans sdktrace.SpanProcessor) (stopped bool) {
	ctx, cancel := context.WithTimeout(t.Context(), p.Deadline)
	defer cancel()
	ctx, span := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("").Start(ctx, "generate_content")
	defer span.End()
	n := 0
	for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("a question")}, p.Stream) {
		if n++; n == p.StopAfter {
			stopped = true
			break
		}
	}
	stopped = stopped || ctx.Err() != nil
	time.Sleep(p.Gap)
	return stopped
}

// hooks returns hooks that keep the books of the record.
func (b *books) hooks() call.Hooks {
	return call.Hooks{
		OnAttempt: func(_ context.Context, a call.Attempt) {
			b.Attempts[fmt.Sprint(a.Model, " ", a.Outcome, " ", a.Kind)]++
			if a.InputTokens > 0 {
				b.Input[a.Model] += a.InputTokens
			}
			if a.Outcome != call.Skipped {
				b.Spans[fmt.Sprint(a.Model, " ", a.Outcome)]++
			}
		},
		OnEnd: func(_ context.Context, r call.Result) {
			b.Calls[string(r.Outcome)]++
			plain := r.Outcome == call.OK && !r.Triggered
			for _, a := range r.Attempts {
				plain = plain && a.Outcome != call.Failed
			}
			if !plain {
				b.Lines++
			}
		},
	}
}

// readBooks returns what the metrics say.
func readBooks(t *testing.T, reader sdkmetric.Reader) books {
	t.Helper()
	b := newBooks()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	text := func(set attribute.Set, key attribute.Key) string {
		value, _ := set.Value(key)
		return value.AsString()
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok {
				continue
			}
			for _, point := range sum.DataPoints {
				n, set := int(point.Value), point.Attributes
				switch m.Name {
				case "fallback.calls":
					b.Calls[text(set, "outcome")] += n
				case "fallback.attempts":
					b.Attempts[text(set, "target")+" "+text(set, "outcome")+" "+text(set, "kind")] += n
				case "fallback.tokens":
					if text(set, "type") == "input" {
						b.Input[text(set, "target")] += n
					}
				}
			}
		}
	}
	return b
}

// spanned returns how many spans of attempts have which outcome. A span without one is of
// an attempt that was not recorded.
func spanned(spans *tracetest.SpanRecorder, stopped bool) map[string]int {
	n := map[string]int{}
	for _, span := range spans.Ended() {
		set := attribute.NewSet(span.Attributes()...)
		target, isAttempt := set.Value("fallback.attempt.target")
		outcome, recorded := set.Value("fallback.attempt.outcome")
		if isAttempt && (recorded || !stopped) {
			n[target.AsString()+" "+outcome.AsString()]++
		}
	}
	return n
}

// made returns how often each model was called, by its own count.
func made(l *ledger) map[string]int {
	n := map[string]int{}
	for _, a := range l.since(0) {
		n[a.model]++
	}
	return n
}

// called returns the attempts that called a model, by target.
func called(attempts map[string]int) map[string]int {
	n := map[string]int{}
	for key, count := range maps.All(attempts) {
		if target, rest, _ := strings.Cut(key, " "); !strings.HasPrefix(rest, string(call.Skipped)) {
			n[target] += count
		}
	}
	return n
}
