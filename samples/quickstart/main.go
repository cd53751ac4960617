// Command quickstart shows an ADK agent that keeps answering while its model's
// quota is exhausted. README.md has the commands and what they print.
//
// The plugin is set up in [run]; script.go has the built-in provider, weather.go the
// agent's tool, transcript.go and attempts.go the printing.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/cmd/launcher"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/tool"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

const (
	rootModel     = "gemini-2.5-flash"      // every turn starts here
	fallbackModel = "gemini-2.5-pro"        // answers when that fails
	lastModel     = "gemini-2.5-flash-lite" // answers when both fail
)

func main() {
	var attempts io.Writer = os.Stderr
	slog.SetLogLoggerLevel(slog.LevelWarn) // the plugin logs what the lines of the attempts say
	if len(os.Args) == 1 {                 // the transcript says it all
		log.SetOutput(io.Discard) // ADK logs there
		attempts = io.Discard
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, attempts, os.Getenv("GOOGLE_API_KEY"), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run plays three turns and writes their transcript to out or, with args, starts
// ADK's launcher. Each attempt becomes a line in attempts. Without an API key it uses a
// built-in server.
func run(ctx context.Context, out, attempts io.Writer, apiKey string, args []string) error {
	provider := &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: apiKey}
	where := "the Gemini API, where models may not fail"
	if apiKey == "" {
		server := fallbacktest.NewServer()
		defer server.Close()
		script(server.Provider)
		provider = server.ClientConfig()
		where = "a built-in server (set GOOGLE_API_KEY to use the Gemini API)"
	}
	flash, err := gemini.NewModel(ctx, rootModel, provider)
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	pro, err := gemini.NewModel(ctx, fallbackModel, provider)
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	lite, err := gemini.NewModel(ctx, lastModel, provider)
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	lookup, err := weatherTool()
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}

	// An ordinary agent, which has no fallback of its own.
	assistant, err := llmagent.New(llmagent.Config{
		Name:        "assistant",
		Model:       flash,
		Description: "Answers questions about the weather.",
		Instruction: "Answer in one sentence. Look the weather up with the tool.",
		Tools:       []tool.Tool{lookup},
	})
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}

	shown := &timeline{out: attempts}
	showAttempts, err := shown.plugin()
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}

	// The plugin and its fallbacks: all that an application adds.
	others, err := router.NewFallback(router.Config{}, pro, lite)
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	keepAnswering, err := fallback.New(fallback.Config{Recover: others, Hooks: shown.hooks()})
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	config := &launcher.Config{
		AgentLoader:  agent.NewSingleLoader(assistant),
		PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{keepAnswering, showAttempts}},
	}

	if len(args) > 0 {
		return launch(ctx, config, args)
	}
	if _, err := fmt.Fprintf(out, "%s, falling back to %s, on %s\n", rootModel, fallbackModel, where); err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	return converse(ctx, out, config)
}

// launch runs ADK's own launcher: console, web api webui, and so on.
func launch(ctx context.Context, config *launcher.Config, args []string) error {
	l := newLauncher()
	if err := l.Execute(ctx, config, args); err != nil {
		return fmt.Errorf("quickstart: %w\n\n%s", err, l.CommandLineSyntax())
	}
	return nil
}
