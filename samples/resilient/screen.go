package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// converse asks the questions of an agent with the model m, and prints the answers
// while they arrive.
func converse(ctx context.Context, out io.Writer, m model.LLM) error {
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m, Instruction: "Answer in one sentence."})
	if err != nil {
		return fmt.Errorf("resilient: %w", err)
	}
	r, err := runner.New(runner.Config{
		AppName: "resilient", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true,
	})
	if err != nil {
		return fmt.Errorf("resilient: %w", err)
	}
	for _, question := range questions {
		s := &screen{out: out, asked: time.Now()}
		s.print("user   %s", question)
		message := genai.NewContentFromText(question, genai.RoleUser)
		for event, err := range r.Run(ctx, "user", "session", message, agent.RunConfig{StreamingMode: agent.StreamingModeSSE}) {
			if err != nil {
				return fmt.Errorf("resilient: %w", err)
			}
			s.show(event)
		}
		s.print("\n\n")
		if s.err != nil {
			return fmt.Errorf("resilient: %w", s.err)
		}
	}
	return nil
}

// screen prints one turn.
type screen struct {
	out     io.Writer
	asked   time.Time
	writing bool  // in the middle of a line of the answer
	err     error // the first that out returned
}

func (s *screen) print(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.out, format, args...)
	}
}

func (s *screen) show(event *session.Event) {
	if restart, _ := event.CustomMetadata[call.KeyRestart].(bool); restart {
		// A screen that can erase text would remove the answer so far.
		s.print(" [cut off]\n%4.1fs  the answer restarts", s.seconds())
		s.writing = false
		return
	}
	if event.Partial {
		s.write(event)
		return
	}
	// The final event has the whole answer again, and the metadata.
	md, _ := call.ReadEvent(event)
	s.print("\n%4.1fs  answered by %s", s.seconds(), md.ModelName)
	if md.Triggered {
		s.print(" in place of %s: %s", md.OriginalModel, md.Reason)
	}
}

// write prints what is new, with the time before the first of it.
func (s *screen) write(event *session.Event) {
	for _, part := range event.Content.Parts {
		if part.Thought || part.Text == "" {
			continue
		}
		if !s.writing {
			s.writing = true
			s.print("\n%4.1fs  ", s.seconds())
		}
		s.print("%s", part.Text)
	}
}

// seconds since the question.
func (s *screen) seconds() float64 { return time.Since(s.asked).Seconds() }
