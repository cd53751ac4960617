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

// MaxRuns bounds how often [Retry] runs one turn for one agent. The plugin's list of
// fallback models usually ends earlier.
const MaxRuns = turn.MaxRuns

// ExhaustedError ends [Retry] when no model is left to call. Its fields have the
// latest failure and the attempts. failure.Classify returns the latest failure's
// verdict.
type ExhaustedError = turn.ExhaustedError

// Runner is the part of ADK's runner.Runner that [Retry] needs.
type Runner interface {
	Run(ctx context.Context, userID, sessionID string, msg *genai.Content, cfg agent.RunConfig, opts ...runner.RunOption) iter.Seq2[*session.Event, error]
}

// Retry is the outer retry loop: use it instead of r.Run, with the plugin registered
// on r. It runs the turn. While the plugin's metadata names a next model, it runs the
// turn again on that model, without a message, so that the user's message is in the
// session once. It stops at an answer, at an error that is not configured, when no
// model is left, or after [MaxRuns] runs.
//
// When no model is left, the event of the last failure is followed by an
// [ExhaustedError], so code that only checks errors does not mistake an outage for an
// answer.
//
// The events of earlier failed calls stay in the session, where their metadata records
// the attempts, and are not yielded. If parts of such a call were streamed, a partial
// event without content is yielded whose metadata has "fallback_restart": discard those
// parts; the whole answer follows.
//
// The next model applies to the agent that failed. Other agents of the run, in a
// sequence, a loop or a parallel group, are not repeated if they have finished, so
// their events appear once, to the consumer and in the session. Unfinished agents run
// again, after a "fallback_restart" for each author and branch that was shown in part.
// Before that, Retry waits for running tools and for running agents of your own code.
//
// Two cases need Recover or a router model instead. In a graph (workflowagent), nodes
// that are functions run again, without the results of skipped agents. An agent that
// fails while it runs as a tool (llmagent.ModeSingleTurn) gives its caller an empty
// result, and runs again only if the caller calls it again.
func Retry(ctx context.Context, r Runner, userID, sessionID string, msg *genai.Content, cfg agent.RunConfig, opts ...runner.RunOption) iter.Seq2[*session.Event, error] {
	run := func(ctx context.Context, first bool) iter.Seq2[*session.Event, error] {
		if !first {
			return r.Run(ctx, userID, sessionID, nil, cfg, opts...)
		}
		return r.Run(ctx, userID, sessionID, msg, cfg, opts...)
	}
	return turn.Loop(ctx, run, view, restarted)
}

// Advance is for an outer loop of your own. If ev is the event of a call that failed
// with a configured code, and a model is left, it returns true and a context for the
// next run, in which the failed agent calls that model. Such a run repeats all agents;
// with several agents, use [Retry].
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
