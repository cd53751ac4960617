package peers

import (
	"context"
	"math"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// fallback is this module: each target with retries, a breaker and time limits, and
// a router over them.
type fallback struct{ model model.LLM }

func newOurs(targets ...string) (Client, error) {
	var models []model.LLM
	names := []string{Model, Model + "-2024-07-18"} // a router wants a name of its own for each
	for i, target := range targets {
		m, err := openai.New(names[i], openai.Config{APIKey: "sk-test", BaseURL: target + "/v1", API: openai.Chat})
		if err != nil {
			return nil, err
		}
		models = append(models, middleware.Chain(m,
			// Another target is free at once, so nobody waits for this one.
			middleware.MustRetry(middleware.RetryConfig{SkipWait: time.Nanosecond}),
			// A breaker that opens would spare the first target, which is to be measured.
			middleware.MustBreaker(middleware.BreakerConfig{ConsecutiveFailures: math.MaxInt}),
			middleware.MustTimeout(middleware.TimeoutConfig{FirstContent: 20 * time.Second, Idle: 20 * time.Second, Total: time.Minute}),
		))
	}
	m, err := router.NewFallback(router.Config{}, models...)
	return &fallback{m}, err
}

// Close does nothing: idle connections end with the server.
func (f *fallback) Close() {}

// request is made anew for each call, as ADK does.
func (f *fallback) request() *model.LLMRequest {
	return &model.LLMRequest{
		Model: Model,
		Contents: []*genai.Content{
			genai.NewContentFromText("Hello", genai.RoleUser),
			genai.NewContentFromText(earlier, genai.RoleModel),
			genai.NewContentFromText(question, genai.RoleUser),
		},
		Config: &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText(system, genai.RoleUser)},
	}
}

// Call joins what the user is shown: the partial responses of a stream, else the
// final one.
func (f *fallback) Call(ctx context.Context, stream bool) (string, error) {
	var text strings.Builder
	for resp, err := range f.model.GenerateContent(ctx, f.request(), stream) {
		if err != nil {
			return "", err
		}
		if resp.Partial == stream && resp.Content != nil {
			for _, part := range resp.Content.Parts {
				text.WriteString(part.Text)
			}
		}
	}
	return text.String(), nil
}
