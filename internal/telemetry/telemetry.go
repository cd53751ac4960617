// Package telemetry holds the name of every attribute this module writes to a
// span, in one table, and the one function that writes them. It uses the
// OpenTelemetry API only; which SDK records the spans is the application's
// choice.
package telemetry

import (
	"context"
	"encoding/json"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// attributeOf names the span attribute of each metadata key. GenAI semantic
// conventions name the model that answered; the rest is ours.
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
var attributeOf = map[string]attribute.Key{
	call.KeyTriggered:       "fallback.triggered",
	call.KeyOriginalModel:   "fallback.original_model",
	call.KeyFallbackModel:   "fallback.model",
	call.KeyAttempt:         "fallback.attempt",
	call.KeyErrorCode:       "fallback.error_code",
	call.KeyReason:          "fallback.reason",
	call.KeyAttempts:        "fallback.attempts", // the list as JSON
	call.KeyAttemptsDropped: "fallback.attempts_dropped",
	call.KeyAdapted:         "fallback.adapted", // the list as JSON
	call.KeyModelName:       "gen_ai.response.model",
	call.KeyModelVersion:    "fallback.model_version",
	call.KeyCacheStatus:     "fallback.cache_status",
	call.KeyExperimentID:    "fallback.experiment_id",
	call.KeyCohort:          "fallback.cohort",
	call.KeyDegraded:        "fallback.degraded",
	call.KeyUnanswered:      "fallback.unanswered",
	call.KeyNotice:          "fallback.notice",
}

// Attributes of an attempt's span, beside the GenAI conventions' request model.
const (
	spanName       = "fallback.attempt" // followed by the model
	requestModel   = attribute.Key("gen_ai.request.model")
	attemptOutcome = attribute.Key("fallback.attempt.outcome")
	attemptKind    = attribute.Key("fallback.attempt.kind")
	errorType      = attribute.Key("error.type")
)

// StartAttempt opens the span of one attempt if the call is traced, and returns
// nil for the span, at no cost, if it is not.
func StartAttempt(ctx context.Context, model string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	tracer := parent.TracerProvider().Tracer("github.com/adk-fallback/adk-fallback")
	return tracer.Start(ctx, spanName+" "+model, trace.WithAttributes(requestModel.String(model)))
}

// EndAttempt closes a span of StartAttempt with how the attempt ended.
func EndAttempt(span trace.Span, a call.Attempt) {
	if span == nil {
		return
	}
	span.SetAttributes(attemptOutcome.String(string(a.Outcome)))
	if a.Outcome != call.OK {
		span.SetAttributes(attemptKind.String(a.Kind), errorType.String(a.ErrorCode()))
		span.SetStatus(codes.Error, a.Kind)
	}
	span.End()
}

// Annotate mirrors fields, the metadata of a response as its map, onto the current
// span of ctx: ADK's REST API, and with it ADK Web, shows spans but drops the
// metadata of events. Fields without an attribute of their own are omitted. It
// costs nothing when the span is not recorded.
func Annotate(ctx context.Context, fields map[string]any) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attributes := make([]attribute.KeyValue, 0, len(fields))
	for key, value := range fields {
		name, ok := attributeOf[key]
		if !ok {
			continue
		}
		switch value := value.(type) {
		case bool:
			attributes = append(attributes, name.Bool(value))
		case int:
			attributes = append(attributes, name.Int(value))
		case string:
			attributes = append(attributes, name.String(value))
		default:
			if text, err := json.Marshal(value); err == nil {
				attributes = append(attributes, name.String(string(text)))
			}
		}
	}
	span.SetAttributes(attributes...)
}
