// Package telemetry holds the name of every attribute this module writes to a
// span, in one table, and the one function that writes them. It uses the
// OpenTelemetry API only; which SDK records the spans is the application's
// choice.
package telemetry

import (
	"context"
	"encoding/json"

	"go.opentelemetry.io/otel/attribute"
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
	call.KeyModelName:       "gen_ai.response.model",
	call.KeyModelVersion:    "fallback.model_version",
	call.KeyCacheStatus:     "fallback.cache_status",
	call.KeyExperimentID:    "fallback.experiment_id",
	call.KeyCohort:          "fallback.cohort",
	call.KeyDegraded:        "fallback.degraded",
}

// Annotate mirrors md onto the current span of ctx, because ADK's REST API, and
// with it ADK Web, shows spans but drops the metadata of events. It costs
// nothing when the span is not recorded.
func Annotate(ctx context.Context, md call.Metadata) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	fields := md.Map()
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
