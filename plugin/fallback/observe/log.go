package observe

import (
	"context"
	"log/slog"

	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// log writes a line about a call that was no plain success: an error if no target answered,
// a warning if a fallback or a last resort did, and else, for a cancelled call or one with
// failed attempts, an information.
func (o *Observer) log(ctx context.Context, r call.Result) {
	level, text, ok := lineOf(r)
	if !ok || o.logger == nil || !o.logger.Enabled(ctx, level) {
		return
	}
	info := call.From(ctx)
	line := make([]slog.Attr, 0, 16)
	add := func(key, value string) {
		if value != "" {
			line = append(line, slog.String(key, printable.Line(value, call.MaxMessageBytes)))
		}
	}
	add("invocation", info.Invocation)
	add("agent", info.Agent)
	add("model", r.ModelName)
	if r.Triggered {
		add("original_model", r.OriginalModel)
		add("error_code", r.ErrorCode)
		add("reason", r.Reason)
	}
	add("degraded", r.Degraded)
	add("experiment", r.ExperimentID)
	add("cohort", r.Cohort)
	line = append(line, slog.Int("attempts", called(r)), slog.Duration("duration", r.Duration))
	o.logger.LogAttrs(ctx, level, text, line...)
}

func lineOf(r call.Result) (level slog.Level, text string, ok bool) {
	switch {
	case r.Outcome == call.Failed:
		return slog.LevelError, "fallback: no target answered", true
	case r.Outcome == call.Cancelled:
		return slog.LevelInfo, "fallback: the call was cancelled", true
	case r.Degraded != "":
		return slog.LevelWarn, "fallback: a last resort answered", true
	case r.Triggered:
		return slog.LevelWarn, "fallback: a fallback answered", true
	case hasFailed(r):
		return slog.LevelInfo, "fallback: a target answered after failed attempts", true
	}
	return 0, "", false
}

// called returns how many attempts called a model.
func called(r call.Result) int {
	n := r.AttemptsDropped
	for _, a := range r.Attempts {
		if a.Outcome != call.Skipped {
			n++
		}
	}
	return n
}

func hasFailed(r call.Result) bool {
	for _, a := range r.Attempts {
		if a.Outcome == call.Failed {
			return true
		}
	}
	return false
}
