// Command debugpage serves a debug page of a policy whose primary has an outage on demand. Its
// first line is the address. The paths beside the page are for the test that runs it:
//
//	/outage?on=true   the primary fails from now on; ?on=false ends that
//	/calls?n=10       ten calls, one after the other
//	/hostile?text=T   a call whose models, tenant, errors and so on are T
package main

import (
	"context"
	"fmt"
	"iter"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/debugpage"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

const file = `primary: gemini-2.5-flash
fallbacks:
  - name: gemini-2.5-pro
    condition: "error"
  - name: template-response
    condition: "true"
circuit_breaker: {failure_threshold: 3, backoff: 2s}
retry: {max_attempts: 1}
rate_limits: {concurrency: 10, requests_per_minute: 6000}
cache: {ttl: 1m}
budgets:
  usd_per_day: 3
  tenants: {acme: {usd_per_day: 0.2}}
degrade: {template: Please try again later.}
`

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	provider := fallbacktest.NewServer()
	defer provider.Close()
	var outage atomic.Bool
	provider.Script("gemini-2.5-flash", fallbacktest.Func(func(fallbacktest.Request) fallbacktest.Step {
		if outage.Load() {
			return fallbacktest.Overloaded().After(8 * time.Millisecond)
		}
		return fallbacktest.Text("It is sunny.").After(40*time.Millisecond).Usage(1200, 60)
	}))
	provider.Script("gemini-2.5-pro", fallbacktest.Text("It is sunny.").After(90*time.Millisecond).Usage(1200, 80))

	page := debugpage.New(debugpage.Config{AllowBreakerControl: true})
	m, err := load(ctx, provider, page)
	if err != nil {
		return err
	}
	page.Watch(m)

	http.Handle("/debug/fallback/", page)
	http.HandleFunc("/outage", func(_ http.ResponseWriter, r *http.Request) { outage.Store(r.FormValue("on") == "true") })
	n := 0
	http.HandleFunc("/calls", func(_ http.ResponseWriter, r *http.Request) { // one request at a time
		more, _ := strconv.Atoi(r.FormValue("n"))
		for range more {
			n++
			info := call.Info{Tenant: []string{"acme", "globex", "initech"}[n%3], Invocation: fmt.Sprintf("e-7c41d0%02d", n%100)}
			consume(call.With(ctx, info), m, fmt.Sprint("question ", n))
		}
	})
	http.HandleFunc("/hostile", func(_ http.ResponseWriter, r *http.Request) {
		text := r.FormValue("text")
		m := router.MustFallback(router.Config{Hooks: page.Hooks()}, hostile(text), hostile(text+"2"))
		page.Watch(m)
		consume(call.With(ctx, call.Info{Tenant: text, Invocation: text}), m, "question")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, nil)
}

// load returns the model of the policy, whose models are the provider's.
func load(ctx context.Context, provider *fallbacktest.Server, page *debugpage.Page) (model.LLM, error) {
	models := policy.Models{}
	for _, name := range []string{"gemini-2.5-flash", "gemini-2.5-pro"} {
		m, err := gemini.NewModel(ctx, name, provider.ClientConfig())
		if err != nil {
			return nil, err
		}
		models[name] = m
	}
	if err := os.Chdir(os.Args[1]); err != nil { // so that the page shows the same path each time
		return nil, err
	}
	if err := os.WriteFile("fallback.yaml", []byte(file), 0o600); err != nil {
		return nil, err
	}
	return policy.Load(ctx, "fallback.yaml", models, policy.WithHooks(page.Hooks()))
}

func consume(ctx context.Context, m model.LLM, question string) {
	for range m.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text(question)}, true) {
		// The answer does not matter.
	}
}

// hostile is a model that always fails, with its name as the provider's words.
type hostile string

func (h hostile) Name() string { return string(h) }

func (h hostile) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		yield(nil, genai.APIError{Code: 503, Status: string(h), Message: "overloaded: " + string(h)})
	}
}
