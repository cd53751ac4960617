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

// MaxRuns bounds how often [Retry] runs one turn for one agent, whatever the
// metadata asks for. The plugin's list of fallback models usually ends it earlier.
const MaxRuns = turn.MaxRuns

// ExhaustedError is the error that ends [Retry] when no model is left to ask. Its
// fields tell the latest failure and what was tried, and failure.Classify judges
// it as the latest failure.
type ExhaustedError = turn.ExhaustedError

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
// When no model is left, the event of the last failure is followed by an
// [ExhaustedError], so code that looks at errors alone does not take an outage for
// an answer.
//
// The event of another failed call stays in the session, where its metadata records
// the attempt, and is not yielded. If parts of that call had been streamed, a
// partial event without content takes its place whose metadata has
// "fallback_restart": discard those parts, the whole answer follows.
//
// The choice holds for the agent that failed. Other agents of the run, in a
// sequence, a loop or a parallel group, are not repeated once they have finished:
// nothing of them comes twice, to the consumer or in the session. Those that were
// still at work run again, after a "fallback_restart" for each author and branch
// that was shown in part; a tool or an agent of your own code that is at work is
// waited for.
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
// context in which a run asks that model for the agent that failed, and true. A
// run with that context repeats all agents; with several agents, use [Retry].
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
	return turn.Event{Author: ev.Author, Branch: ev.Branch, Response: &ev.LLMResponse, LongRunning: ev.LongRunningToolIDs}, true
}

func restarted(void *session.Event) *session.Event {
	marker := *void
	marker.LLMResponse = model.LLMResponse{Partial: true, CustomMetadata: map[string]any{call.KeyRestart: true}}
	return &marker
}
