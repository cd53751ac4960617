package fallback

import (
	"context"
	"iter"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// MaxRuns bounds how often [Retry] runs one turn, whatever the metadata asks
// for. The plugin's list of fallback models usually ends it earlier.
const MaxRuns = turn.MaxRuns

// Runner is what [Retry] needs of ADK's runner.Runner.
type Runner interface {
	Run(ctx context.Context, userID, sessionID string, msg *genai.Content, cfg agent.RunConfig, opts ...runner.RunOption) iter.Seq2[*session.Event, error]
}

// Retry is the outer retry loop: use it in place of r.Run, with the plugin
// registered on r. It runs the turn, and as long as the plugin's metadata names
// a model to ask next, runs it again on that model with no message, so that the
// user's message stands once in the session. It stops at an answer, at an error
// that is not configured, when no model is left, or after [MaxRuns] runs.
//
// The event of a failed call stays in the session, where its metadata records
// the attempt, and is not yielded unless it is the last word. If parts of that
// call had been streamed, a partial event without content takes its place whose
// metadata has "fallback_restart": discard those parts, the whole answer
// follows.
//
// The choice holds for the agent that failed. An agent that comes before it in
// a sequence runs again too; where that is costly, use [Config.Recover].
func Retry(ctx context.Context, r Runner, userID, sessionID string, msg *genai.Content, cfg agent.RunConfig, opts ...runner.RunOption) iter.Seq2[*session.Event, error] {
	run := func(ctx context.Context, first bool) iter.Seq2[*session.Event, error] {
		if !first {
			return r.Run(ctx, userID, sessionID, nil, cfg, opts...)
		}
		return r.Run(ctx, userID, sessionID, msg, cfg, opts...)
	}
	return turn.Loop(ctx, run, view, restarted)
}

// Advance is for an outer loop of your own. If ev is the event of a call that
// failed with a configured code, and a model is left to try, it returns a
// context in which a run asks that model for the agent that failed, and true.
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

func view(ev *session.Event) (turn.Event, bool) {
	if ev == nil {
		return turn.Event{}, false
	}
	return turn.Event{Author: ev.Author, Branch: ev.Branch, Response: &ev.LLMResponse}, true
}

func restarted(failed *session.Event) *session.Event {
	marker := *failed
	marker.LLMResponse = model.LLMResponse{Partial: true, CustomMetadata: map[string]any{call.KeyRestart: true}}
	return &marker
}
