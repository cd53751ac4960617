package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// talk asks an agent with the policy file about one city after another.
func talk(ctx context.Context, out io.Writer, models policy.Models, o options) error {
	s := &screen{out: out, started: time.Now()}
	name := filepath.Base(o.file)
	ctx, cancel := context.WithCancel(ctx) // the end of the watcher
	defer cancel()
	var hooks call.Hooks
	if o.watch {
		hooks = observe.Console(out)
	}
	assistant, err := agentOn(ctx, o.file, models, func(err error) { s.reloaded(name, err) }, hooks)
	if err != nil {
		return err
	}
	r, err := runner.New(runner.Config{
		AppName: "policy", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true,
	})
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	s.print("%s is in use", name)
	for turn := 0; o.turns == 0 || turn < o.turns; turn++ {
		city := cities[turn%len(cities)]
		question := "How is the weather in " + city + "?"
		if o.watch {
			s.print("%s", question)
		}
		answer := ask(ctx, r, fmt.Sprint("session-", turn), question)
		if ctx.Err() != nil {
			return nil
		}
		s.answer(city, answer)
		select {
		case <-time.After(o.every):
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// ask returns the agent's answer to a question, the model that answered and, after a
// fallback, the reason. The reason is in the metadata of the first call of the turn
// that falls back; later calls stay with the target that answered.
func ask(ctx context.Context, r *runner.Runner, session, question string) string {
	said, by, because := "(no answer)", "", ""
	message := genai.NewContentFromText(question, genai.RoleUser)
	for event, err := range r.Run(ctx, "user", session, message, agent.RunConfig{}) {
		if err != nil {
			return "no answer: " + err.Error()
		}
		md, _ := call.ReadEvent(event)
		if md.Triggered && because == "" {
			because = ", not " + md.OriginalModel + ": " + md.Reason
		}
		if event.IsFinalResponse() {
			said, by = text(event), md.ModelName
		}
	}
	return fmt.Sprintf("%-24s  %s%s", said, by, because)
}

func text(event *session.Event) string {
	var b strings.Builder
	for _, part := range event.Content.Parts {
		b.WriteString(part.Text)
	}
	return b.String()
}

// screen prints lines, from the turns and from the watcher.
type screen struct {
	started time.Time
	out     io.Writer
}

func (s *screen) print(format string, args ...any) {
	fmt.Fprintf(s.out, "%5.1fs  %s\n", time.Since(s.started).Seconds(), fmt.Sprintf(format, args...))
}

func (s *screen) answer(city, text string) { s.print("%-6s  %s", city, text) }

// reloaded prints whether a changed file is in use.
func (s *screen) reloaded(file string, err error) {
	bad, broken := errors.AsType[*spec.Error](err)
	switch {
	case err == nil:
		s.print("%s has changed and is in use", file)
	case broken:
		s.print("%s has changed but has errors; the old policy stays in use", file)
		for _, problem := range bad.Problems {
			if problem.Severity == spec.SeverityError {
				s.print("  %s:%s", file, problem)
			}
		}
	default:
		s.print("%s: %v; the old policy stays in use", file, err)
	}
}
