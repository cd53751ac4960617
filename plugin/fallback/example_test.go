package fallback_test

import (
	"context"
	"fmt"
	"log"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/plugin"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// gemini-2.5-flash is out of its daily quota and gemini-2.5-pro is not.
func provider() *fallbacktest.Server {
	server := fallbacktest.NewServer()
	server.Script("gemini-2.5-flash", fallbacktest.DailyQuota())
	server.Script("gemini-2.5-pro", fallbacktest.Text("Hello from pro."))
	return server
}

func newModel(server *fallbacktest.Server, name string) model.LLM {
	m, err := gemini.NewModel(context.Background(), name, server.ClientConfig())
	if err != nil {
		log.Fatal(err)
	}
	return m
}

func newRunner(m model.LLM, p *plugin.Plugin) *runner.Runner {
	assistant, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
	if err != nil {
		log.Fatal(err)
	}
	r, err := runner.New(runner.Config{
		AppName: "app", Agent: assistant, SessionService: session.InMemoryService(), AutoCreateSession: true,
		PluginConfig: runner.PluginConfig{Plugins: []*plugin.Plugin{p}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return r
}

// With Recover, another model answers in the same turn.
func Example() {
	server := provider()
	defer server.Close()
	p := fallback.MustNew(fallback.Config{Recover: newModel(server, "gemini-2.5-pro")})
	r := newRunner(newModel(server, "gemini-2.5-flash"), p)

	for event, err := range r.Run(context.Background(), "user", "session", genai.NewContentFromText("Hi!", genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Content.Parts[0].Text)
		if md, ok := call.ReadEvent(event); ok {
			fmt.Printf("%s stood in for %s after %s\n", md.FallbackModel, md.OriginalModel, md.ErrorCode)
		}
	}
	// Output:
	// Hello from pro.
	// gemini-2.5-pro stood in for gemini-2.5-flash after 429
}

// Retry runs the turn again on the next model.
func ExampleRetry() {
	server := provider()
	defer server.Close()
	p := fallback.MustNew(fallback.Config{FallbackModel: "gemini-2.5-pro"})
	r := newRunner(newModel(server, "gemini-2.5-flash"), p)

	message := genai.NewContentFromText("Hi!", genai.RoleUser)
	for event, err := range fallback.Retry(context.Background(), r, "user", "session", message, agent.RunConfig{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Content.Parts[0].Text)
	}
	// Output: Hello from pro.
}

// An outer loop of your own asks Advance what to do with an event.
func ExampleAdvance() {
	server := provider()
	defer server.Close()
	p := fallback.MustNew(fallback.Config{FallbackModel: "gemini-2.5-pro"})
	r := newRunner(newModel(server, "gemini-2.5-flash"), p)

	ctx, message := context.Background(), genai.NewContentFromText("Hi!", genai.RoleUser)
	for again := true; again; message = nil {
		again = false
		next := ctx
		for event, err := range r.Run(ctx, "user", "session", message, agent.RunConfig{}) {
			if err != nil {
				log.Fatal(err)
			}
			if advanced, ok := fallback.Advance(next, event); ok {
				fmt.Println("failed with", event.ErrorCode)
				next, again = advanced, true
				continue
			}
			fmt.Println(event.Content.Parts[0].Text)
		}
		ctx = next
	}
	// Output:
	// failed with 429
	// Hello from pro.
}

func ExampleNew() {
	_, err := fallback.New(fallback.Config{RootModel: " flash", MaxTurns: -1})
	fmt.Println(err)
	// Output:
	// fallback: Config.RootModel: " flash" is not a model name; must be a name without surrounding space
	// fallback: Config.MaxTurns: -1 is negative; must be 0 for 100, or the number of turns to track
}
