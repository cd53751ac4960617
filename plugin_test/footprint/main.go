// Command footprint is a minimal agent on ADK's own Gemini model. Each build tag adds one
// part of this module, to measure what the part adds to a program:
//
//	for tag in none plugin router policy gemini openai anthropic; do
//		go build -tags $tag -ldflags='-s -w' -o /tmp/footprint ./plugin_test/footprint
//		echo $tag $(go list -deps -tags $tag ./plugin_test/footprint | wc -l) packages, $(wc -c < /tmp/footprint) bytes
//	done
package main

import (
	"context"
	"fmt"
	"os"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"
)

// Each tagged file sets one of these.
var (
	around  = func(_ context.Context, m model.LLM) (model.LLM, error) { return m, nil }
	plugins = func(model.LLM) ([]*plugin.Plugin, error) { return nil, nil }
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	m, err := gemini.NewModel(ctx, "gemini-2.5-flash", nil)
	if err != nil {
		return err
	}
	if m, err = around(ctx, m); err != nil {
		return err
	}
	used, err := plugins(m)
	if err != nil {
		return err
	}
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
	if err != nil {
		return err
	}
	r, err := runner.New(runner.Config{
		AppName: "footprint", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true,
		PluginConfig: runner.PluginConfig{Plugins: used},
	})
	if err != nil {
		return err
	}
	for event, err := range r.Run(ctx, "user", "session", genai.NewContentFromText("Hi!", genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			return err
		}
		fmt.Println(event.Content.Parts[0].Text)
	}
	return nil
}
