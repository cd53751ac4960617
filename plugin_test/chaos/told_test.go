package chaos_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// told is all that the module tells of a run to anybody but the caller: records, log
// lines, spans and metrics. Nothing secret may be in it.
type told struct {
	reader *sdkmetric.ManualReader
	meters *sdkmetric.MeterProvider

	mu      sync.Mutex
	secrets []string      // guarded by mu; where a secret was
	ends    []call.Result // guarded by mu
}

func newTold() *told {
	reader := sdkmetric.NewManualReader()
	return &told{reader: reader, meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))}
}

// secret is a mark of something that must not be told.
var secrets = []string{"PROMPTMARK", "promptmark", "ANSWERMARK", "sk-chaos-"}

// look notes the secrets in what was told somewhere.
func (h *told) look(where, text string) {
	for _, s := range secrets {
		if i := strings.Index(text, s); i >= 0 {
			h.mu.Lock()
			h.secrets = append(h.secrets, fmt.Sprintf("%s: …%s…", where, text[max(0, i-80):min(len(text), i+60)]))
			h.mu.Unlock()
		}
	}
}

// Write implements io.Writer, for a logger.
func (h *told) Write(line []byte) (int, error) {
	h.look("log", string(bytes.TrimSpace(line)))
	return len(line), nil
}

func (h *told) hooks() call.Hooks {
	return call.Hooks{
		OnAttempt:  func(_ context.Context, a call.Attempt) { h.look("OnAttempt", fmt.Sprintf("%+v", a)) },
		OnFallback: func(_ context.Context, md call.Metadata) { h.look("OnFallback", fmt.Sprintf("%+v", md)) },
		OnEnd: func(_ context.Context, r call.Result) {
			h.look("OnEnd", fmt.Sprintf("%+v", r))
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ends = append(h.ends, r)
		},
	}
}

// end looks at the metrics and spans, and returns all secrets.
func (h *told) end(t testing.TB) []string {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := h.reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	h.look("metric", fmt.Sprintf("%+v", data.ScopeMetrics))
	h.look("span", traces.take())
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.secrets
}

// traces collects all spans of the process: ADK uses the global provider.
var traces spanText

type spanText struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (s *spanText) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// OnStart implements sdktrace.SpanProcessor.
func (*spanText) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (s *spanText) OnEnd(span sdktrace.ReadOnlySpan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ours := strings.Contains(span.InstrumentationScope().Name, "adk-fallback")
	if ours {
		fmt.Fprintln(&s.text, span.Name(), span.Status(), span.Events())
	}
	for _, kv := range span.Attributes() { // ADK's own spans have its errors; ours are mirrored there
		if ours || strings.HasPrefix(string(kv.Key), "fallback.") {
			fmt.Fprintln(&s.text, kv.Key, kv.Value.String())
		}
	}
}

// Shutdown implements sdktrace.SpanProcessor.
func (*spanText) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (*spanText) ForceFlush(context.Context) error { return nil }

func TestMain(m *testing.M) {
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&traces)))
	m.Run()
}
