package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/cmd/launcher"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// questions are the turns. The built-in server reads the word "quota".
var questions = []string{
	"How is the weather in Berlin?",
	"Your daily quota is used up. How is the weather in Paris?",
	"How is the weather in Oslo?",
}

// converse asks the questions in one session and writes what happened to out.
func converse(ctx context.Context, out io.Writer, config *launcher.Config) error {
	const user, id = "user", "session"
	r, err := runner.New(runner.Config{
		AppName:           "quickstart",
		Agent:             config.AgentLoader.RootAgent(),
		SessionService:    session.InMemoryService(),
		AutoCreateSession: true,
		PluginConfig:      config.PluginConfig,
	})
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	for i, question := range questions {
		var answers []*session.Event // of the model; the tool's results are not printed
		message := genai.NewContentFromText(question, genai.RoleUser)
		for event, err := range r.Run(ctx, user, id, message, agent.RunConfig{}) {
			if err != nil {
				return fmt.Errorf("quickstart: turn %d: %w", i+1, err)
			}
			if !isToolResult(event) {
				answers = append(answers, event)
			}
		}
		if len(answers) == 0 {
			return fmt.Errorf("quickstart: turn %d: the run ended without an answer", i+1)
		}
		text, err := transcript(question, answers)
		if err != nil {
			return fmt.Errorf("quickstart: turn %d: %w", i+1, err)
		}
		if _, err := fmt.Fprintf(out, "\nTurn %d\n%s", i+1, text); err != nil {
			return fmt.Errorf("quickstart: %w", err)
		}
	}
	return nil
}

// transcript describes one turn: question and answer, the attempts, and the metadata
// of the last answer.
func transcript(question string, answers []*session.Event) (string, error) {
	last := answers[len(answers)-1]
	var b strings.Builder
	fmt.Fprintf(&b, "  user   %s\n  agent  %s\n\n", question, said(last))

	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  target\toutcome\twait\twhy")
	for _, event := range answers {
		for _, a := range attempts(event) {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", a.Model, a.Outcome, a.Wait, why(a, event))
		}
	}
	if err := table.Flush(); err != nil {
		return "", err
	}

	metadata, err := json.MarshalIndent(last.CustomMetadata, "  ", "  ")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "\n  custom_metadata: %s\n", metadata)
	return b.String(), nil
}

// attempts returns the calls behind one answer. A model that answers at once
// leaves no fallback metadata: that is one call. A code without metadata is one
// that the plugin was not told to act on, such as SAFETY.
func attempts(event *session.Event) []call.Attempt {
	if md, ok := call.ReadEvent(event); ok && md.Triggered {
		return md.Attempts
	}
	if event.ErrorCode != "" {
		return []call.Attempt{{Model: event.ModelVersion, Outcome: call.Failed, Kind: event.ErrorCode, Message: event.ErrorMessage}}
	}
	return []call.Attempt{{Model: event.ModelVersion, Outcome: call.OK}}
}

// why explains the end of an attempt: what failed, or what the model did.
func why(a call.Attempt, event *session.Event) string {
	switch {
	case a.Outcome == call.OK && calls(event) != "":
		return "calls the tool " + calls(event)
	case a.Outcome == call.OK:
		return "answers"
	case a.HTTPStatus == 0:
		return a.Kind + ": " + a.Message
	default:
		md, _ := call.ReadEvent(event)
		return fmt.Sprintf("%d %s: %s", a.HTTPStatus, a.Code, md.Reason)
	}
}

// calls returns the name of the first tool that an answer calls, if any.
func calls(event *session.Event) string {
	if event.Content != nil {
		for _, part := range event.Content.Parts {
			if part.FunctionCall != nil {
				return part.FunctionCall.Name
			}
		}
	}
	return ""
}

// said returns an answer's text, or why it has none.
func said(event *session.Event) string {
	var text strings.Builder
	if event.Content != nil {
		for _, part := range event.Content.Parts {
			if !part.Thought {
				text.WriteString(part.Text)
			}
		}
	}
	if text.Len() == 0 {
		return fmt.Sprintf("(no text) %s %s", event.ErrorCode, event.ErrorMessage)
	}
	return strings.TrimSpace(text.String())
}

func isToolResult(event *session.Event) bool {
	return event.Content != nil && len(event.Content.Parts) > 0 && event.Content.Parts[0].FunctionResponse != nil
}
