package adkv1

import (
	"context"
	"iter"

	"google.golang.org/adk/agent"
	"google.golang.org/adk/model"
	"google.golang.org/adk/runner"
	"google.golang.org/adk/session"
	modelv2 "google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// MaxRuns, which is 16, bounds how often [Retry] runs one turn for one agent.
const MaxRuns = turn.MaxRuns

// ExhaustedError ends [Retry] when no model is left to call. Its fields have the latest
// failure and the attempts.
type ExhaustedError = turn.ExhaustedError

// Runner is the part of ADK's runner.Runner that [Retry] needs.
type Runner interface {
	Run(ctx context.Context, userID, sessionID string, msg *genai.Content, cfg agent.RunConfig, opts ...runner.RunOption) iter.Seq2[*session.Event, error]
}

// Retry is the outer retry loop: use it instead of r.Run. It runs the turn again, without a
// message, on each model that the plugin's metadata names, and ends with an
// [ExhaustedError] when none is left. Package fallback's Retry, for v2, has the details.
func Retry(ctx context.Context, r Runner, userID, sessionID string, msg *genai.Content, cfg agent.RunConfig, opts ...runner.RunOption) iter.Seq2[*session.Event, error] {
	run := func(ctx context.Context, first bool) iter.Seq2[*session.Event, error] {
		if !first {
			return r.Run(ctx, userID, sessionID, nil, cfg, opts...)
		}
		return r.Run(ctx, userID, sessionID, msg, cfg, opts...)
	}
	return turn.Loop(ctx, run, view, restarted)
}

// Advance is for an outer loop of your own. If ev is the event of a call that failed with a
// configured code, and a model is left, it returns true and a context for the next run, in
// which the failed agent calls that model.
func Advance(ctx context.Context, ev *session.Event) (context.Context, bool) {
	v, ok := view(ev)
	if !ok {
		return ctx, false
	}
	md, ok := v.NextModel()
	if !ok {
		return ctx, false
	}
	return turn.Choose(ctx, v.Author, v.Branch, md), true
}

// ReadEvent reads the plugin's metadata of a v1 event, as call.ReadEvent does
// of a v2 event.
func ReadEvent(ev *session.Event) (call.Metadata, bool) {
	if ev == nil {
		return call.Metadata{}, false
	}
	return call.ReadMap(ev.CustomMetadata)
}

func view(ev *session.Event) (turn.Event, bool) {
	if ev == nil {
		return turn.Event{}, false
	}
	return turn.Event{Author: ev.Author, Branch: ev.Branch, Response: (*modelv2.LLMResponse)(&ev.LLMResponse), LongRunning: ev.LongRunningToolIDs}, true
}

func restarted(void *session.Event) *session.Event {
	marker := *void
	marker.LLMResponse = model.LLMResponse{Partial: true, CustomMetadata: map[string]any{call.KeyRestart: true}}
	return &marker
}
