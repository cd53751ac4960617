package plugin_test

import (
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// BenchmarkObserve compares a healthy call without telemetry (off) to one that is observed:
// without an SDK, with the SDK's metrics, and with metrics and a batch exporter of spans.
// What an SDK needs for the span of the call itself is in its figure too.
func BenchmarkObserve(b *testing.B) {
	req := &model.LLMRequest{Contents: genai.Text("hi")}
	for _, c := range []struct {
		name    string
		hooks   func() call.Hooks
		exports bool
	}{
		{name: "off", hooks: func() call.Hooks { return call.Hooks{} }},
		{name: "no SDK", hooks: func() call.Hooks {
			return observe.MustNew(otel.Meter("bench"), slog.New(slog.DiscardHandler)).Hooks()
		}},
		{name: "metrics", hooks: sdkHooks},
		{name: "metrics and spans", hooks: sdkHooks, exports: true},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := router.MustFallback(router.Config{Hooks: c.hooks()}, newBare("a", 0), newBare("b", 0))
			provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(tracetest.NewNoopExporter()))
			defer provider.Shutdown(b.Context())
			tracer := provider.Tracer("bench")
			b.ReportAllocs()
			for b.Loop() {
				ctx := b.Context()
				end := func() {}
				if c.exports {
					traced, span := tracer.Start(ctx, "generate_content")
					ctx, end = traced, func() { span.End() }
				}
				for _, err := range m.GenerateContent(ctx, req, false) {
					if err != nil {
						b.Fatal(err)
					}
				}
				end()
			}
		})
	}
}

func sdkHooks() call.Hooks {
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	return observe.MustNew(meters.Meter("bench"), slog.New(slog.DiscardHandler)).Hooks()
}
