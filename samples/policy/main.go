// Command policy shows an ADK agent whose model is a policy file that can be edited
// while the agent answers. README.md has a walkthrough.
//
// An application's part is in [agentOn]; script.go has the built-in provider, desk.go
// asks the questions and prints.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/tool"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

//go:embed fallback.yaml
var original []byte

func main() {
	log.SetOutput(io.Discard) // ADK and the Gemini client log there
	var o options
	flag.StringVar(&o.file, "policy", "", "policy `file` (default: a copy of this sample's, in a temporary folder)")
	flag.DurationVar(&o.every, "every", time.Second, "pause between two questions")
	flag.IntVar(&o.turns, "turns", 0, "number of questions (default: until Ctrl-C)")
	flag.BoolVar(&o.watch, "watch", false, "print each question as it is asked, and each attempt as it ends")
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
	file  string // "" for a copy of the sample's
	every time.Duration
	turns int  // 0 for no end
	watch bool // print questions and attempts too
}

// run asks questions until ctx ends. Without an API key it uses a built-in server. Each
// line is one Write to out, which must be safe for concurrent use, as os.Stdout is: the
// watcher of the file writes there too.
func run(ctx context.Context, out io.Writer, apiKey string, o options) error {
	if o.file == "" {
		dir, err := os.MkdirTemp("", "adk-fallback-")
		if err != nil {
			return fmt.Errorf("policy: %w", err)
		}
		defer os.RemoveAll(dir)
		o.file = filepath.Join(dir, "fallback.yaml")
		if err := os.WriteFile(o.file, original, 0o600); err != nil {
			return fmt.Errorf("policy: %w", err)
		}
	}
	end := "Press Ctrl-C to stop."
	if o.turns > 0 {
		end = fmt.Sprintf("It stops after question %d.", o.turns)
	}
	fmt.Fprintf(out, "Edit %s while the agent answers. %s\n\n", o.file, end)
	if apiKey != "" {
		return talk(ctx, out, nil, o) // the policy finds Gemini by itself
	}
	server := fallbacktest.NewServer()
	defer server.Close()
	return play(ctx, out, server, o)
}

// play lets the agent use models on a server that fails on purpose. The policy gets
// them under the names that its file may use.
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

// agentOn returns an agent whose model follows the policy file. A turn in progress
// ends under the policy that it started with.
func agentOn(ctx context.Context, file string, models policy.Models, reloaded func(error), hooks call.Hooks) (agent.Agent, error) {
	m, err := policy.Watch(ctx, file, models, policy.OnReload(reloaded), policy.WithHooks(hooks),
		// An application would let the policy log. Here the screen shows it.
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
