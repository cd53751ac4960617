package plugintest

import (
	"context"
	"testing"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// Harness builds an application on one major of ADK.
type Harness struct {
	// NewPlugin only constructs the plugin.
	NewPlugin func(turn.Config) error
	// NewApp builds a runner with the plugin and the agents.
	NewApp func(t *testing.T, setup Setup) App
}

// Setup describes an application.
type Setup struct {
	Config   turn.Config
	Agent    Agent
	Stream   bool // SSE
	Database bool // a SQL session service in place of the one in memory

	// Observe is called by a plugin registered after the fallback plugin and by
	// an agent's own callback, with "plugin" or "agent" as the observer.
	Observe func(observer string, resp *model.LLMResponse)
}

// Agent is an LLM agent, or, with Sub, a sequence, a parallel group or a loop of
// them.
type Agent struct {
	Name     string
	Model    model.LLM
	Lookup   func() // called by the agent's tool "lookup"; nil for no tool
	Parallel bool
	Rounds   uint // of a loop
	Sub      []Agent
}

// App is a runner with its session service.
type App interface {
	// Run runs a turn; an empty text is no message.
	Run(ctx context.Context, session, text string) ([]Event, error)
	// Retry runs a turn through the outer retry loop.
	Retry(ctx context.Context, session, text string) ([]Event, error)
	// Advance returns the context for the next run of an outer loop.
	Advance(ctx context.Context, ev Event) (context.Context, bool)
	// Stored reads the session's events back.
	Stored(t *testing.T, session string) []Event
}

// Event is an event of either major.
type Event struct {
	Author, Branch string
	Response       *model.LLMResponse
	Native         any
}

// Text returns the text of the event.
func (e Event) Text() string {
	text := ""
	if e.Response.Content != nil {
		for _, part := range e.Response.Content.Parts {
			text += part.Text
		}
	}
	return text
}

// Metadata returns the plugin's metadata of the event.
func (e Event) Metadata() (call.Metadata, bool) { return call.ReadResponse(e.Response) }

// final returns the last event that is not partial.
func final(t *testing.T, events []Event) Event {
	t.Helper()
	for i := len(events) - 1; i >= 0; i-- {
		if !events[i].Response.Partial {
			return events[i]
		}
	}
	t.Fatal("no final event")
	return Event{}
}
