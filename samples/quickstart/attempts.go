package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/plugin"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/observe"
)

// timeline writes the attempts of each run to out, below the answer. An application that
// does not stream answers to the same terminal needs only observe.Console(os.Stderr).
type timeline struct {
	out  io.Writer
	mu   sync.Mutex
	held []func() // write a line each; guarded by mu
}

// hooks returns those of a console whose lines are held until a run is over: ADK's console
// streams the answer, and a line would split it.
func (t *timeline) hooks() call.Hooks {
	console := observe.Console(t.out)
	return call.Hooks{
		OnAttempt: func(ctx context.Context, a call.Attempt) { t.hold(func() { console.OnAttempt(ctx, a) }) },
		OnEnd:     func(ctx context.Context, r call.Result) { t.hold(func() { console.OnEnd(ctx, r) }) },
	}
}

func (t *timeline) hold(write func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = append(t.held, write)
}

// plugin returns the plugin that writes the lines after each run.
func (t *timeline) plugin() (*plugin.Plugin, error) {
	return plugin.New(plugin.Config{Name: "timeline", AfterRunCallback: func(agent.InvocationContext) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if len(t.held) > 0 {
			fmt.Fprintln(t.out) // ends the line of the answer
		}
		for _, write := range t.held {
			write()
		}
		t.held = nil
	}})
}
