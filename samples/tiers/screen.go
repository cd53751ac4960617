package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
)

// open lets customers ask, each in a session of their own, while the scenes pass.
func (d *desk) open(ctx context.Context) error {
	tree, err := d.tree(ctx)
	if err != nil {
		return fmt.Errorf("tiers: %w", err)
	}
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: tree, Instruction: "Answer the customer in one sentence."})
	if err != nil {
		return fmt.Errorf("tiers: %w", err)
	}
	r, err := runner.New(runner.Config{AppName: "tiers", Agent: assistant, SessionService: d.sessions, AutoCreateSession: true})
	if err != nil {
		return fmt.Errorf("tiers: %w", err)
	}
	working, stop := context.WithCancel(ctx)
	var worker sync.WaitGroup
	worker.Go(func() { _ = d.queue.Run(working, tree) })
	defer worker.Wait()
	defer stop()

	for _, name := range []string{flashName, gptName, claudeName, localName} {
		script(d.server, name, nil)
	}
	var waiting []string // sessions to which an answer was promised
	for i, s := range scenes {
		if err := d.happens(ctx, s); err != nil {
			return err
		}
		id := fmt.Sprintf("customer-%d", i+1)
		d.print("%2d  %s\n", i+1, s.happens)
		final, err := d.ask(ctx, r, id, s.question)
		if err != nil {
			return err
		}
		if final.CustomMetadata[jobs.KeyJob] != nil {
			waiting = append(waiting, id)
		}
		if md, _ := call.ReadEvent(final); md.Degraded == "" && len(waiting) > 0 {
			if err := d.follow(ctx, waiting); err != nil {
				return err
			}
			waiting = nil
		}
	}
	d.bill.print(&d.screen)
	return d.err
}

// happens makes a scene come true.
func (d *desk) happens(ctx context.Context, s scene) error {
	if s.model != "" {
		script(d.server, s.model, s.fault)
	}
	if s.backup != "" {
		if _, err := d.backup.ExecContext(ctx, s.backup); err != nil {
			return fmt.Errorf("tiers: %w", err)
		}
	}
	select {
	case <-time.After(openFor + 50*time.Millisecond): // a model that is back is called again
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask asks a question and prints the answer, and who gave it.
func (d *desk) ask(ctx context.Context, r *runner.Runner, sessionID, question string) (final *session.Event, err error) {
	d.print("    user   %s\n", question)
	message := genai.NewContentFromText(question, genai.RoleUser)
	for event, err := range r.Run(ctx, "customer", sessionID, message, agent.RunConfig{StreamingMode: agent.StreamingModeSSE}) {
		if err != nil {
			return nil, fmt.Errorf("tiers: %w", err)
		}
		if restart, _ := event.CustomMetadata[call.KeyRestart].(bool); restart {
			d.print("           [cut off; the answer restarts]\n")
		}
		if !event.Partial {
			final = event
		}
	}
	d.print("    agent  %s\n", text(final.Content))
	md, _ := call.ReadEvent(final)
	d.print("    by     %s", md.ModelName)
	if md.Degraded != "" {
		d.print(", degraded")
	}
	for i, name := range failed(md) {
		d.print("%s%s", []string{", after ", ", "}[min(i, 1)], name)
	}
	d.print("\n\n")
	return final, nil
}

// failed returns the models that did not answer, in order, with the code of each error.
func failed(md call.Metadata) (names []string) {
	seen := map[string]bool{md.ModelName: true}
	for _, a := range md.Attempts {
		if seen[a.Model] {
			continue
		}
		seen[a.Model] = true
		name := a.Model
		if code := a.ErrorCode(); code != "" {
			name += " (" + code + ")"
		}
		names = append(names, name)
	}
	return names
}

// follow waits for the answers that were promised, and prints them from their sessions.
func (d *desk) follow(ctx context.Context, sessions []string) error {
	for range sessions {
		select {
		case <-d.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, id := range sessions {
		got, err := d.sessions.Get(ctx, &session.GetRequest{AppName: "tiers", UserID: "customer", SessionID: id})
		if err != nil {
			return fmt.Errorf("tiers: %w", err)
		}
		events := got.Session.Events()
		answer := events.At(events.Len() - 1)
		md, _ := call.ReadEvent(answer)
		d.print("    later, to %s: %s\n    by     %s\n\n", id, text(answer.Content), md.ModelName)
	}
	return nil
}

func text(content *genai.Content) (text string) {
	for _, part := range content.Parts {
		if !part.Thought {
			text += part.Text
		}
	}
	text = strings.ReplaceAll(text, "\n\n", "\n") // to save room on the screen
	return strings.ReplaceAll(text, "\n", "\n           ")
}

// screen keeps the first error of its output.
type screen struct {
	out io.Writer
	err error
}

func (s *screen) print(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.out, format, args...)
	}
}
