package telemetry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

func TestAnnotateMirrorsMetadata(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("")
	ctx, span := tracer.Start(t.Context(), "invoke_agent")
	telemetry.Annotate(ctx, call.Metadata{
		Triggered: true, OriginalModel: "flash", FallbackModel: "pro", Attempt: 1, ErrorCode: "429", Reason: "daily quota",
		Attempts: []call.Attempt{{Model: "flash", Outcome: call.Failed}}, AttemptsDropped: 2,
		ModelName: "pro", ModelVersion: "pro-1", CacheStatus: "miss", ExperimentID: "e", Cohort: "c", Degraded: "template",
	}.Map())
	span.End()

	got := map[string]any{}
	for _, kv := range spans.Ended()[0].Attributes() {
		got[string(kv.Key)] = kv.Value.AsInterface()
	}
	want := map[string]any{
		"fallback.triggered": true, "fallback.original_model": "flash", "fallback.model": "pro", "fallback.attempt": int64(1),
		"fallback.error_code": "429", "fallback.reason": "daily quota", "fallback.attempts": `[{"model":"flash","outcome":"failed"}]`,
		"fallback.attempts_dropped": int64(2), "gen_ai.response.model": "pro", "fallback.model_version": "pro-1",
		"fallback.cache_status": "miss", "fallback.experiment_id": "e", "fallback.cohort": "c", "fallback.degraded": "template",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestAnnotateWithoutSpan(t *testing.T) {
	ctx, fields := t.Context(), call.Metadata{Triggered: true}.Map()
	allocations := testing.AllocsPerRun(10, func() {
		telemetry.Annotate(ctx, fields)
	})
	if allocations != 0 {
		t.Errorf("%v allocations without a span, want 0", allocations)
	}
}
