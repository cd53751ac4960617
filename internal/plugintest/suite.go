package plugintest

import (
	"fmt"
	"log/slog"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/turn"
)

// Run proves every behaviour of the plugin through h.
func Run(t *testing.T, h Harness) {
	newApp := h.NewApp
	h.NewApp = func(t *testing.T, setup Setup) App {
		t.Helper()
		if setup.Config.Logger == nil {
			setup.Config.Logger = slog.New(slog.DiscardHandler)
		}
		return newApp(t, setup)
	}
	for _, stream := range []bool{false, true} {
		name := map[bool]string{false: "unary", true: "SSE"}[stream]
		s := &suite{Harness: h, stream: stream}
		t.Run(name, func(t *testing.T) {
			t.Run("B01 healthy model leaves no trace", s.healthy)
			t.Run("B02 configured error writes five keys", s.fiveKeys)
			t.Run("B02 other errors pass untouched", s.otherErrors)
			t.Run("B03 codes", s.codes)
			t.Run("B04 each turn starts at the root", s.rootEachTurn)
			t.Run("B05 state is reset", s.reset)
			t.Run("B06 an outer loop's choice stands", s.outerChoice)
			t.Run("B07 agents keep their own models", s.ownModels)
			t.Run("B08 existing metadata is kept", s.existingMetadata)
			t.Run("B10 concurrent sessions do not mix", s.sessions)
			t.Run("B10 parallel agents do not mix", s.parallelAgents)
			t.Run("B11 without a fallback nothing is annotated", s.noFallback)
			t.Run("B12 metadata survives a database", s.database)
			t.Run("B13 Recover answers in the same turn", s.recovers)
			t.Run("B13 Recover inside a tool loop", s.recoversInToolLoop)
			t.Run("B13 Recover fails too", s.recoverFails)
			t.Run("B13 Recover answers a call once", s.recoversOnce)
			t.Run("B116 Recover fails later in the turn", s.recoverFailsLater)
			t.Run("B13 a model's response is its own", s.sharedResponse)
			t.Run("B13 an error after the answer", s.errorAfterTheAnswer)
			t.Run("B115 a crowd", s.crowd)
			t.Run("B117 answers that are none", s.emptyAnswers)
			t.Run("B114 a router inside the agent's model", s.routerInside)
			t.Run("B125 hooks and logs", s.hooks)
			t.Run("B14 the outer loop", s.outerLoop)
			t.Run("B14 the outer loop in a tool loop", s.outerLoopInToolLoop)
			t.Run("B14 the outer loop stops", s.outerLoopStops)
			t.Run("B14 the outer loop in a sequence", s.outerLoopInASequence)
			t.Run("B118 the outer loop over parallel agents", s.outerLoopOverParallelAgents)
			t.Run("B118 the outer loop over agents that all fail", s.outerLoopOverFailingAgents)
			t.Run("B118 the outer loop in a loop", s.outerLoopInALoop)
			t.Run("B118 the outer loop during a tool", s.outerLoopDuringATool)
			t.Run("B39 the outer loop is cancelled", s.outerLoopIsCancelled)
			t.Run("B16 other plugins see every response", s.otherPlugins)
			t.Run("B39 the caller's cancellation", s.cancellation)
			t.Run("B80 a panic in Recover is an error", s.recoverPanics)
		})
	}
	t.Run("B15 bad config names its fields", func(t *testing.T) { badConfig(t, h) })
}

type suite struct {
	Harness
	stream bool
}

func (s *suite) app(t *testing.T, config turn.Config, models ...model.LLM) App {
	t.Helper()
	setup := Setup{Config: config, Stream: s.stream}
	for i, m := range models {
		setup.Agent.Sub = append(setup.Agent.Sub, Agent{Name: fmt.Sprintf("agent%d", i), Model: m})
	}
	if len(models) == 1 {
		setup.Agent = setup.Agent.Sub[0]
	} else {
		setup.Agent.Name = "all"
	}
	return s.NewApp(t, setup)
}

func mustRun(t *testing.T, app App, session, text string) []Event {
	t.Helper()
	events, err := app.Run(t.Context(), session, text)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return events
}
