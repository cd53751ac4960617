// Command policy shows an ADK agent whose model is a policy file, which can be
// edited while the agent answers. README.md has a walk through.
//
// What an application writes is in [agentOn]; script.go is the provider that it
// plays against, desk.go asks the questions and prints.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/tool"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

func main() {
	var o options
	flag.StringVar(&o.file, "policy", filepath.Join("samples", "policy", "fallback.yaml"), "policy file")
	flag.DurationVar(&o.every, "every", time.Second, "how often a question is asked")
	flag.IntVar(&o.turns, "turns", 0, "how many questions are asked; 0: until interrupted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv("GOOGLE_API_KEY"), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

type options struct {
	file  string
	every time.Duration
	turns int // 0 for no end
}

// run asks questions until it is interrupted, of a server of its own if there is
// no API key.
func run(ctx context.Context, out io.Writer, apiKey string, o options) error {
	if apiKey != "" {
		return talk(ctx, out, nil, o) // the policy finds Gemini by itself
	}
	server := fallbacktest.NewServer()
	defer server.Close()
	return play(ctx, out, server, o)
}

// play lets the agent talk to models on a server that fails on purpose. They are
// handed to the policy under the names that its file may use.
func play(ctx context.Context, out io.Writer, server *fallbacktest.Server, o options) error {
	script(server.Provider)
	models := policy.Models{}
	for _, name := range []string{flash, pro, lite} {
		m, err := gemini.NewModel(ctx, name, server.ClientConfig())
		if err != nil {
			return fmt.Errorf("policy: %w", err)
		}
		models[name] = m
	}
	return talk(ctx, out, models, o)
}

// agentOn returns an agent whose model is the file. It needs nothing else to
// follow the file: a turn that has begun ends under the policy that it began
// with.
func agentOn(ctx context.Context, file string, models policy.Models, reloaded func(error)) (agent.Agent, error) {
	m, err := policy.Watch(ctx, file, models, policy.OnReload(reloaded),
		// An application would let the policy log. Here the screen tells of it.
		policy.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	lookup, err := weatherTool()
	if err != nil {
		return nil, err
	}
	return llmagent.New(llmagent.Config{
		Name: "assistant", Model: m, Instruction: "Answer in one sentence. Look the weather up with the tool.", Tools: []tool.Tool{lookup},
	})
}
