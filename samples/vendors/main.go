// Command vendors shows one conversation that goes from Gemini to OpenAI, to
// Anthropic, to a local server and back, while each vendor goes down in turn.
// README.md has what it prints.
//
// What an application writes is in [newModel] and [newAgent]; vendors.go has the
// servers that stand in for the vendors, transcript.go the printing.
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
	"google.golang.org/adk/v2/tool"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// The targets, in the order in which they are asked.
const (
	flash = "gemini-3.5-flash"
	gpt   = "gpt-5.6-luna"
	haiku = "claude-haiku-4-5"
	llama = "llama3.3"
)

func main() {
	log.SetOutput(io.Discard) // ADK and the Gemini client log there
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run plays the conversation against servers of its own.
func run(ctx context.Context, out io.Writer) error {
	v := startVendors()
	defer v.close()
	return play(ctx, out, v)
}

// play writes the transcript of the conversation to out. A request that a server
// has refused is an error: the fallback has sent what its vendor does not take.
func play(ctx context.Context, out io.Writer, v vendors) error {
	m, err := newModel(ctx, v)
	if err != nil {
		return fmt.Errorf("vendors: %w", err)
	}
	assistant, err := newAgent(m)
	if err != nil {
		return fmt.Errorf("vendors: %w", err)
	}
	if _, err := fmt.Fprintf(out, "%s, falling back to %s, %s and %s, each on a strict server of this program\n", flash, gpt, haiku, llama); err != nil {
		return fmt.Errorf("vendors: %w", err)
	}
	if err := converse(ctx, out, assistant); err != nil {
		return fmt.Errorf("vendors: %w", err)
	}
	refused := v.violations()
	if _, err := fmt.Fprintf(out, "\nrequests refused by the strict servers: %d\n", len(refused)); err != nil {
		return fmt.Errorf("vendors: %w", err)
	}
	if len(refused) > 0 {
		return fmt.Errorf("vendors: a strict server refused %q", refused)
	}
	return nil
}

// newModel returns the four targets as one model. With real keys and without the
// HTTPClient, which leads to the servers of this program, they are the real ones.
func newModel(ctx context.Context, v vendors) (model.LLM, error) {
	google, err := gemini.New(ctx, flash, gemini.Config{Client: &genai.ClientConfig{APIKey: "KEY", HTTPClient: v.client(flash)}})
	if err != nil {
		return nil, err
	}
	openAI, err := openai.New(gpt, openai.Config{APIKey: "KEY", HTTPClient: v.client(gpt)})
	if err != nil {
		return nil, err
	}
	claude, err := anthropic.New(haiku, anthropic.Config{APIKey: "KEY", HTTPClient: v.client(haiku)})
	if err != nil {
		return nil, err
	}
	local, err := openai.New(llama, openai.Config{BaseURL: "http://127.0.0.1:11434/v1", HTTPClient: v.client(llama)})
	if err != nil {
		return nil, err
	}
	return router.NewFallback(router.Config{}, google, openAI, claude, local)
}

// newAgent returns an agent that is written for Gemini: it knows of no other
// vendor, and its settings are Gemini's.
func newAgent(m model.LLM) (agent.Agent, error) {
	lookup, err := weatherTool()
	if err != nil {
		return nil, err
	}
	return llmagent.New(llmagent.Config{
		Name:        "assistant",
		Model:       m,
		Instruction: "Compare the weather of two cities in one sentence. Look it up with the tool.",
		Tools:       []tool.Tool{lookup},
		GenerateContentConfig: &genai.GenerateContentConfig{
			TopK:           genai.Ptr[float32](40),
			SafetySettings: []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockOnlyHigh}},
			ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelMinimal},
		},
	})
}
