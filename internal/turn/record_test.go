package turn_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/turn"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B123: the attempts of a router that failed have their time and tokens in the
// plugin's metadata too.
func TestAttemptsOfARouterThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
			time.Sleep(time.Second)
			usage := &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 5}
			if yield(&model.LLMResponse{Partial: true, UsageMetadata: usage}, nil) {
				yield(nil, llmtest.ErrUnavailable)
			}
		}
		retry := middleware.MustRetry(middleware.RetryConfig{MaxRetries: 1, BaseDelay: time.Hour, MaxDelay: time.Hour})
		group := router.MustFallback(router.Config{}, retry(llmtest.NewModel("flash", cut)), llmtest.NewModel("lite", cut))
		p := newPlugin(t, turn.Config{ErrorCodes: []any{503}, FallbackModel: "pro"})
		ctx := agentContext{t.Context(), "i", "agent", ""}
		req := begin(t, p, ctx, "flash")
		var failed error
		for _, err := range group.GenerateContent(ctx, req, true) {
			failed = err
		}
		resp, err := p.OnModelError(ctx, req, failed)
		if err != nil {
			t.Fatal(err)
		}
		md, _ := call.ReadResponse(resp)
		if len(md.Attempts) != 2 {
			t.Fatalf("%d attempts are told, want 2", len(md.Attempts))
		}
		for _, a := range md.Attempts {
			if a.Duration != time.Second || a.InputTokens != 5 {
				t.Errorf("%s: %v and %d tokens are told, want 1s and 5", a.Model, a.Duration, a.InputTokens)
			}
		}
	})
}
