// Command tiers shows an ADK agent that answers while its models go down one after
// another, and while they come back. README.md shows what it prints.
//
// The agent's model is in [desk.tree]; scenes.go has what goes down and comes back, and
// what the built-in server answers; screen.go asks and prints.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	_ "github.com/glebarez/sqlite" // registers the driver of the queue's file
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// openFor is how long a model that has failed twice is not called. It is this short so
// that nobody has to wait for the end of the sample.
const openFor = 200 * time.Millisecond

func main() {
	log.SetOutput(io.Discard) // ADK logs there
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	server := fallbacktest.NewServer()
	defer server.Close()
	return play(ctx, out, server)
}

// play opens a help desk on models at server, with a queue in a temporary folder.
func play(ctx context.Context, out io.Writer, server *fallbacktest.Server) (err error) {
	dir, err := os.MkdirTemp("", "adk-fallback-")
	if err != nil {
		return fmt.Errorf("tiers: %w", err)
	}
	defer os.RemoveAll(dir)
	d := &desk{server: server, screen: screen{out: out}, sessions: session.InMemoryService(), ended: make(chan jobs.Job, len(scenes))}
	d.cache = cache.MustNew(cache.Config{LookupOnly: true}) // while a model is up, it gets every question
	defer d.cache.Close()
	file := filepath.Join(dir, "jobs.db")
	d.queue, err = jobs.Open(ctx, jobs.Config{
		File: file, Sessions: d.sessions, Workers: 1,
		OnEnd:  func(_ context.Context, job jobs.Job) { d.ended <- job },
		Logger: slog.New(slog.DiscardHandler), // the screen shows what matters
	})
	if err != nil {
		return fmt.Errorf("tiers: %w", err)
	}
	defer d.queue.Close()
	defer d.waking.Wait()
	if d.backup, err = sql.Open("sqlite", file); err != nil {
		return fmt.Errorf("tiers: %w", err)
	}
	defer d.backup.Close()
	d.backup.SetMaxOpenConns(1)
	return d.open(ctx)
}

// desk is the application.
type desk struct {
	screen
	server   *fallbacktest.Server
	sessions session.Service
	cache    *cache.Cache
	queue    *jobs.Queue
	ended    chan jobs.Job // jobs that have been answered
	waking   sync.WaitGroup
	backup   *sql.DB // another program that uses the queue's file
	bill     bill
}

// tree composes the agent's model:
//
//	cache(fallback(
//	  retry(breaker(timeout(gemini-3.5-flash))),
//	  retry(breaker(timeout(gpt-4.1))),
//	  retry(breaker(timeout(claude-sonnet-5))),
//	  retry(breaker(timeout(qwen3))),
//	  cached-answer,
//	  retrieval,
//	  deferred,
//	  template-response,
//	))
func (d *desk) tree(ctx context.Context) (model.LLM, error) {
	flash, err := gemini.New(ctx, flashName, gemini.Config{Client: d.server.ClientConfig()})
	if err != nil {
		return nil, err
	}
	gpt, err := openai.New(gptName, openai.Config{APIKey: "none", BaseURL: d.server.URL + "/v1", HTTPClient: d.server.Client()})
	if err != nil {
		return nil, err
	}
	claude, err := anthropic.New(claudeName, anthropic.Config{APIKey: "none", BaseURL: d.server.URL, HTTPClient: d.server.Client()})
	if err != nil {
		return nil, err
	}
	local, err := openai.New(localName, openai.Config{BaseURL: d.server.URL + "/v1", HTTPClient: d.server.Client()})
	if err != nil {
		return nil, err
	}
	var targets []model.LLM
	for _, m := range []model.LLM{flash, gpt, claude, local} {
		targets = append(targets, middleware.Chain(m,
			middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: 20 * time.Millisecond}),
			middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: 2, OpenFor: openFor, OnStateChange: d.breaker}),
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 5 * time.Second, Idle: time.Second}),
		))
	}
	targets = append(targets,
		degrade.CachedAnswer(d.cache),
		degrade.MustRetrieval(degrade.RetrievalConfig{Search: handbook}),
		degrade.MustDeferred(degrade.DeferredConfig{Queue: d.queue, Timeout: 100 * time.Millisecond}),
		degrade.Template("Nobody can answer at the moment. Please call 555-0100."),
	)
	tree, err := router.NewFallback(router.Config{Hooks: call.Hooks{OnAttempt: d.bill.add}}, targets...)
	if err != nil {
		return nil, err
	}
	return middleware.Chain(tree, d.cache.Middleware()), nil
}

// breaker wakes the queue when a model is back.
func (d *desk) breaker(_ string, _, to middleware.BreakerState) {
	if to == middleware.BreakerClosed {
		// Not on the goroutine of a customer's call. A job that is not woken runs later.
		d.waking.Go(func() { _ = d.queue.Wake(context.Background()) })
	}
}
