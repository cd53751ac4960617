// Command adkweb is an application for ADK Web whose fallbacks are in a router. It is
// built together with samples/quickstart/traceview.go, which has newLauncher.
package main

import (
	"cmp"
	"context"
	"iter"
	"log"
	"os"
	"os/signal"
	"time"

	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/cmd/launcher"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server := fallbacktest.NewServer()
	defer server.Close()
	// They take time, so that the bars of the trace have a width.
	server.Script("gemini-2.5-flash", fallbacktest.DailyQuota().After(30*time.Millisecond))
	server.Script("gemini-2.5-pro", fallbacktest.Text("It is sunny.").After(90*time.Millisecond))

	evil := cmp.Or(os.Getenv("HOSTILE"), "none") // name and words of a provider that attacks the page
	server.Script("gemini-2.5-flash-lite", fallbacktest.Text("It is cloudy.").Version(evil))
	target := func(name string) model.LLM {
		m, err := gemini.NewModel(ctx, name, server.ClientConfig())
		if err != nil {
			log.Fatal(err)
		}
		return m
	}
	routed := func(name string, targets ...model.LLM) agent.Agent {
		a, err := llmagent.New(llmagent.Config{Name: name, Model: router.MustFallback(router.Config{}, targets...)})
		if err != nil {
			log.Fatal(err)
		}
		return a
	}
	agents, err := agent.NewMultiLoader(
		routed("routed", target("gemini-2.5-flash"), target("gemini-2.5-pro")),
		routed("hostile", hostile(evil), target("gemini-2.5-flash-lite")),
	)
	if err != nil {
		log.Fatal(err)
	}
	if err := newLauncher().Execute(ctx, &launcher.Config{AgentLoader: agents}, os.Args[1:]); err != nil {
		log.Print(err)
	}
}

// hostile is a model that always fails, with its name as the provider's words.
type hostile string

func (h hostile) Name() string { return string(h) }

func (h hostile) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		yield(nil, genai.APIError{Code: 503, Status: "UNAVAILABLE", Message: "overloaded: " + string(h)})
	}
}
