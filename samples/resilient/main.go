// Command resilient shows an ADK agent whose model retries, times out and falls back,
// composed in Go. README.md shows what it prints.
//
// The model is in [newModel]; script.go has the built-in provider, screen.go the
// printing.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

func main() {
	log.SetOutput(io.Discard) // ADK and the Gemini client log there
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv("GOOGLE_API_KEY")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run asks three questions. Without an API key it uses a built-in server.
func run(ctx context.Context, out io.Writer, apiKey string) error {
	if apiKey == "" {
		server := fallbacktest.NewServer()
		defer server.Close()
		return play(ctx, out, server)
	}
	// Gemini may think for a while before its first content.
	m, err := newModel(ctx, &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: apiKey}, 20*time.Second)
	if err != nil {
		return err
	}
	return converse(ctx, out, m)
}

// newModel composes
//
//	fallback(
//	  retry(breaker(limit(timeout(attempt(gemini-2.5-flash))))),
//	  retry(breaker(limit(timeout(attempt(gemini-2.5-pro))))),
//	  retry(breaker(limit(timeout(attempt(gemini-2.5-flash-lite))))),
//	)
//
// Each target has layers of its own, because their state (of the breaker, the calls
// in flight) belongs to one target.
func newModel(ctx context.Context, provider *genai.ClientConfig, firstContent time.Duration) (model.LLM, error) {
	var targets []model.LLM
	for _, name := range []string{flash, pro, lite} {
		m, err := gemini.NewModel(ctx, name, provider)
		if err != nil {
			return nil, fmt.Errorf("resilient: %w", err)
		}
		targets = append(targets, middleware.Chain(m,
			middleware.MustRetry(middleware.RetryConfig{MaxRetries: 2}),
			middleware.MustBreaker(middleware.BreakerConfig{OpenFor: 20 * time.Second}),
			middleware.MustLimit(middleware.LimitConfig{MaxConcurrent: 8}),
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: firstContent, Idle: 5 * time.Second}),
			middleware.Attempt(middleware.AttemptConfig{}),
		))
	}
	return router.NewFallback(router.Config{}, targets...)
}
