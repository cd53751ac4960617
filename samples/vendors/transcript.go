package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// converse asks the questions in one session and writes what happened to out.
func converse(ctx context.Context, out io.Writer, assistant agent.Agent) error {
	r, err := runner.New(runner.Config{
		AppName: "vendors", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true,
	})
	if err != nil {
		return err
	}
	for i, turn := range turns {
		var said []*session.Event // by the model; the tool's results are not printed
		message := genai.NewContentFromText(turn.question, genai.RoleUser)
		for event, err := range r.Run(ctx, "user", "session", message, agent.RunConfig{}) {
			if err != nil {
				return fmt.Errorf("turn %d: %w", i+1, err)
			}
			if event.Content == nil || event.Content.Role == genai.RoleModel {
				said = append(said, event)
			}
		}
		if len(said) == 0 {
			return fmt.Errorf("turn %d: the run ended without an answer", i+1)
		}
		if _, err := fmt.Fprintf(out, "\nTurn %d: %s\n%s", i+1, turn.news, transcript(turn.question, said)); err != nil {
			return err
		}
	}
	return nil
}

// transcript describes one turn: question and answer, the attempts, and the changes
// in the request to each fallback that answered.
func transcript(question string, said []*session.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  user   %s\n  agent  %s\n\n", question, text(said[len(said)-1]))
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  target\toutcome\twhat happened")
	for _, event := range said {
		for _, a := range attempts(event) {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", a.Model, a.Outcome, happened(a, event))
		}
	}
	_ = table.Flush() // to memory

	b.WriteString(adapted(said))
	return b.String()
}

// adapted lists what was changed in the request for each fallback that answered.
func adapted(said []*session.Event) string {
	var b strings.Builder
	told := map[string]bool{}
	for _, event := range said {
		md, _ := call.ReadEvent(event)
		if len(md.Adapted) > 0 && !told[md.ModelName] {
			told[md.ModelName] = true
			fmt.Fprintf(&b, "\n  fallback_adapted for %s: %s", md.ModelName, strings.Join(md.Adapted, ", "))
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// attempts returns the calls behind one answer. A target that answers at once
// leaves no list of attempts: that is one call.
func attempts(event *session.Event) []call.Attempt {
	if md, ok := call.ReadEvent(event); ok && md.Triggered {
		return md.Attempts
	}
	return []call.Attempt{{Model: event.ModelVersion, Outcome: call.OK}}
}

// happened explains the end of an attempt: what failed, or what the model did.
func happened(a call.Attempt, event *session.Event) string {
	switch {
	case a.Outcome == call.Skipped:
		return a.Reason
	case a.Outcome == call.Failed:
		return fmt.Sprintf("%s: %s", a.ErrorCode(), a.Reason)
	}
	var did []string
	for _, part := range event.Content.Parts {
		switch {
		case part.Thought:
			did = append(did, "thinks")
		case part.FunctionCall != nil:
			did = append(did, fmt.Sprintf("calls %s(%v)", part.FunctionCall.Name, part.FunctionCall.Args["city"]))
		case part.Text != "":
			did = append(did, "answers")
		}
	}
	return strings.Join(did, ", ")
}

// text returns an answer's text, or why it has none.
func text(event *session.Event) string {
	var b strings.Builder
	if event.Content != nil {
		for _, part := range event.Content.Parts {
			if !part.Thought {
				b.WriteString(part.Text)
			}
		}
	}
	if b.Len() == 0 {
		return fmt.Sprintf("(no text) %s %s", event.ErrorCode, event.ErrorMessage)
	}
	return b.String()
}
