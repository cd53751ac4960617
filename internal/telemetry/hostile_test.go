package telemetry_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/telemetry"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// B141: one attribute that is not UTF-8 would cost an exporter the whole batch.
func TestHostileTextsInSpans(t *testing.T) {
	for _, hostile := range []string{"a\xff\n\x1b[31m\u202e", strings.Repeat("a ", 1<<19)} {
		spans := tracetest.NewSpanRecorder()
		ctx, parent := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("").Start(t.Context(), "generate_content")
		_, span := telemetry.StartAttempt(ctx, telemetry.Start{Name: hostile, Target: &provider.Target{}, Wait: 1e9, Adapted: strings.ReplaceAll(hostile, " ", "\n")})
		telemetry.Answered(span, telemetry.Answer{Version: hostile, Finish: genai.FinishReason(hostile)})
		telemetry.EndAttempt(span, call.Attempt{Outcome: call.Failed, Code: hostile, Kind: hostile, Reason: hostile})
		telemetry.Annotate(ctx, map[string]any{call.KeyModelName: hostile, call.KeyNotice: hostile, call.KeyAdapted: []string{hostile[:4]}})
		parent.End()
		for _, span := range spans.Ended() {
			check := func(what, s string) {
				if !utf8.ValidString(s) || len(s) > call.MaxNoticeBytes || strings.ContainsAny(s, "\n\x1b\u202e") {
					t.Errorf("%s is %.100q, %d bytes", what, s, len(s))
				}
			}
			check("a span's name", span.Name())
			check("a status", span.Status().Description)
			all := span.Attributes()
			for _, event := range span.Events() {
				all = append(all, event.Attributes...)
			}
			for _, kv := range all {
				switch kv.Value.Type() {
				case attribute.STRING:
					check(string(kv.Key), kv.Value.AsString())
				case attribute.STRINGSLICE:
					if n := len(kv.Value.AsStringSlice()); n > call.MaxAdapted {
						t.Errorf("%s has %d values", kv.Key, n)
					}
					for _, s := range kv.Value.AsStringSlice() {
						check(string(kv.Key), s)
					}
				}
			}
		}
		if n := len(spans.Ended()); n != 2 {
			t.Errorf("%d spans", n)
		}
	}
}
