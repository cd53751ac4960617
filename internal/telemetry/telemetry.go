// Package telemetry writes spans. It has the name of every attribute and event in one
// table, and uses the OpenTelemetry API only: which SDK records the spans is the
// application's choice.
package telemetry

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Span and Attribute are OpenTelemetry's, which other packages do not import.
type (
	Span      = trace.Span
	Attribute = attribute.KeyValue
)

// Start is what is known of an attempt before its model is called.
type Start struct {
	Name    string           // of the target
	Target  *provider.Target // that it calls
	Number  int64            // counted over the call
	Wait    time.Duration    // before it
	Breaker string           // state of the breaker around it; "" without one
	Adapted string           // settings that were changed for it, joined by newlines
}

// StartAttempt opens the span of one attempt if the call is traced, and returns
// nil for the span, at no cost, if it is not.
func StartAttempt(ctx context.Context, s Start) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	model := s.Target.Model
	if model == "" {
		model = s.Name
	}
	attributes := append(make([]attribute.KeyValue, 0, 8), requestModel.String(Name(model)), target.String(Name(s.Name)), number.Int64(s.Number))
	if name := providerOf(s.Target); name != "" {
		attributes = append(attributes, providerName.String(name))
	}
	if s.Breaker != "" {
		attributes = append(attributes, breaker.String(s.Breaker))
	}
	if s.Adapted != "" {
		attributes = append(attributes, adapted.StringSlice(settings(s.Adapted)))
	}
	if s.Wait > 0 {
		attributes = append(attributes, waited.Int64(s.Wait.Milliseconds()))
		parent.AddEvent(EventWait, trace.WithAttributes(EventTarget.String(Name(s.Name)), EventWaited.Int64(s.Wait.Milliseconds())))
	}
	tracer := parent.TracerProvider().Tracer("github.com/adk-fallback/adk-fallback")
	return tracer.Start(ctx, "chat "+Name(model), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}

// Name returns a name, a code or a reason as an attribute can have it: on one line, bounded,
// and of valid UTF-8. Exporters drop a whole batch of spans for a single invalid text.
func Name(s string) string { return printable.Line(s, call.MaxNameBytes) }

// settings returns the lines of adapted, bounded as in the record.
func settings(adapted string) []string {
	var all []string
	for line := range strings.SplitSeq(adapted, "\n") {
		if len(all) == call.MaxAdapted {
			break
		}
		all = append(all, printable.Line(line, call.MaxAdaptedBytes))
	}
	return all
}

// providerOf returns the convention's name of a target's provider; "" if it is not known.
func providerOf(t *provider.Target) string {
	for _, h := range hosts {
		if h.end == "" && t.Endpoint == h.begin || h.end != "" && strings.HasPrefix(t.Endpoint, h.begin) && strings.HasSuffix(t.Endpoint, h.end) {
			return h.provider
		}
	}
	if t.API == provider.Responses && t.Endpoint != "" {
		return "" // another server that speaks it
	}
	return providers[t.API]
}

// Answer is what is known of an answer.
type Answer struct {
	Version string             // of the model
	Finish  genai.FinishReason // why it ended
	First   time.Duration      // until its first content; 0 if it was not streamed
}

// Answered writes what is known of a model's answer to the span of its attempt.
func Answered(span trace.Span, a Answer) {
	if a.Version != "" {
		span.SetAttributes(attribute.String(responseModel, Name(a.Version)))
	}
	if a.Finish != "" {
		span.SetAttributes(finishReasons.StringSlice([]string{strings.ToLower(Name(string(a.Finish)))}))
	}
	if a.First > 0 {
		span.SetAttributes(firstChunk.Float64(a.First.Seconds()))
	}
}

// Judged writes the verdict on a failed attempt to its span.
func Judged(span trace.Span, v failure.Verdict) {
	span.SetAttributes(action.String(string(v.Action)))
	if v.Cooldown > 0 {
		span.SetAttributes(cooldown.Int64(v.Cooldown.Milliseconds()))
	}
}

// EndAttempt ends a span of StartAttempt with the attempt as recorded. An attempt without
// an Outcome was not recorded.
func EndAttempt(span trace.Span, a call.Attempt) {
	if a.Outcome != "" {
		span.SetAttributes(outcome.String(string(a.Outcome)))
	}
	if a.Reason != "" {
		span.SetAttributes(reason.String(Name(a.Reason)))
	}
	if a.Outcome == call.Failed {
		span.SetAttributes(kind.String(Name(a.Kind)), errorType.String(Name(a.ErrorCode())))
		span.SetStatus(codes.Error, Name(a.Kind))
	}
	span.End()
}

// Event adds an event to the current span of ctx. It costs nothing when the span is not
// recorded: attributes is not called.
func Event(ctx context.Context, name string, attributes func() []Attribute) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(name, trace.WithAttributes(attributes()...))
	}
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
			attributes = append(attributes, name.String(printable.Line(value, call.MaxNoticeBytes)))
		default:
			if text, err := json.Marshal(value); err == nil {
				attributes = append(attributes, name.String(string(text)))
			}
		}
	}
	span.SetAttributes(attributes...)
}
