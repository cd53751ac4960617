// Command app is the smallest ADK application with a policy file, to see how large it is.
package main

import (
	"context"
	"fmt"
	"os"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "app: usage: app POLICY-FILE QUESTION")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file, question string) error {
	m, err := policy.Load(ctx, file)
	if err != nil {
		return err
	}
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
	if err != nil {
		return err
	}
	r, err := runner.New(runner.Config{AppName: "app", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true})
	if err != nil {
		return err
	}
	for event, err := range r.Run(ctx, "user", "session", genai.NewContentFromText(question, genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			return err
		}
		if event.Content != nil && !event.Partial {
			for _, part := range event.Content.Parts {
				fmt.Println(part.Text)
			}
		}
	}
	return nil
}
