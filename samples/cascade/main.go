// Command cascade shows what a cheap model and a judge save: it asks an agent 20
// questions twice, once with the strong model alone and once with a cascade, and prints
// both bills. README.md says what it prints.
//
// The cascade is in [newModels]; workload.go has the questions and the provider it plays
// against, bill.go the prices and the printing.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

const (
	cheap  = "gemini-2.5-flash-lite"
	strong = "gemini-2.5-pro"
)

func main() {
	log.SetOutput(io.Discard) // ADK logs there
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv("GOOGLE_API_KEY")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run asks the questions, of a server of its own if there is no API key.
func run(ctx context.Context, out io.Writer, apiKey string) error {
	if apiKey == "" {
		server := fallbacktest.NewServer()
		defer server.Close()
		return play(ctx, out, server)
	}
	return compare(ctx, out, &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: apiKey})
}

// newModels returns the strong model alone, and
//
//	cascade(budget(gemini-2.5-flash-lite), budget(gemini-2.5-pro))
//
// The cheap model states after each answer how sure it is; the user does not see that.
// Below 0.8 the strong model answers instead.
func newModels(ctx context.Context, provider *genai.ClientConfig, alone, both *middleware.Budget) (model.LLM, model.LLM, error) {
	lite, err := gemini.NewModel(ctx, cheap, provider)
	if err != nil {
		return nil, nil, fmt.Errorf("cascade: %w", err)
	}
	pro, err := gemini.NewModel(ctx, strong, provider)
	if err != nil {
		return nil, nil, fmt.Errorf("cascade: %w", err)
	}
	m, err := cascade.New(cascade.Config{
		Judges:    []cascade.Judge{cascade.JudgeStated(cascade.AskConfidence)},
		Threshold: 0.8,
	}, middleware.Chain(lite, both.Middleware()), middleware.Chain(pro, both.Middleware()))
	if err != nil {
		return nil, nil, fmt.Errorf("cascade: %w", err)
	}
	return middleware.Chain(pro, alone.Middleware()), m, nil
}

// compare asks each model all questions and prints the bills.
func compare(ctx context.Context, out io.Writer, provider *genai.ClientConfig) error {
	alone, both := newBudget(), newBudget()
	pro, cascade, err := newModels(ctx, provider, alone, both)
	if err != nil {
		return err
	}
	want, err := askAll(ctx, pro)
	if err != nil {
		return err
	}
	got, err := askAll(ctx, cascade)
	if err != nil {
		return err
	}
	return bill{want, got, alone.Spent(""), both.Spent("")}.print(out)
}

// answer is what the user gets, and what its metadata says.
type answer struct {
	text  string
	model string // the model that answered
	why   string // why that was not the cheap one; "" if it was
}

// askAll asks an agent on m all questions, each in a session of its own.
func askAll(ctx context.Context, m model.LLM) ([]answer, error) {
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m, Instruction: "Answer in two sentences."})
	if err != nil {
		return nil, fmt.Errorf("cascade: %w", err)
	}
	r, err := runner.New(runner.Config{AppName: "cascade", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true})
	if err != nil {
		return nil, fmt.Errorf("cascade: %w", err)
	}
	var answers []answer
	for i, q := range workload {
		message := genai.NewContentFromText(q.text, genai.RoleUser)
		a := answer{model: m.Name()} // a model alone writes no metadata
		for event, err := range r.Run(ctx, "user", fmt.Sprint("session-", i), message, agent.RunConfig{StreamingMode: agent.StreamingModeSSE}) {
			if err != nil {
				return nil, fmt.Errorf("cascade: %w", err)
			}
			if event.Partial || event.Content == nil {
				continue
			}
			a.text = text(event.Content)
			if md, ok := call.ReadEvent(event); ok {
				a.model, a.why = md.ModelName, md.Reason
			}
		}
		answers = append(answers, a)
	}
	return answers, nil
}

func text(content *genai.Content) (text string) {
	for _, part := range content.Parts {
		if !part.Thought {
			text += part.Text
		}
	}
	return text
}
