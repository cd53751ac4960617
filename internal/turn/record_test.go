package turn_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
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

// B02: the count of models begins at 1, also if the only target of a router was skipped.
func TestSkippedTargetsCountAsOneModel(t *testing.T) {
	p := newPlugin(t, turn.Config{ErrorCodes: []any{"any"}, FallbackModel: "pro"})
	ctx := agentContext{t.Context(), "i", "agent", ""}
	req := begin(t, p, ctx, "flash")
	resp, err := p.OnModelError(ctx, req, &stream.RefusedError{By: "breaker", Model: "flash", Reason: "open"})
	if err != nil {
		t.Fatal(err)
	}
	if md, _ := call.ReadResponse(resp); md.Attempt != 1 || len(md.Attempts) != 1 || md.Attempts[0].Outcome != call.Skipped {
		t.Errorf("metadata %+v, want one model and one skipped attempt", md)
	}
}

// B14: a target may have no name, and the metadata of a turn without a next model has
// none either: this is no answer.
func TestNamelessModelHasNotAnswered(t *testing.T) {
	resp := &model.LLMResponse{ErrorCode: "429"}
	call.Metadata{Triggered: true, Attempt: 1, ErrorCode: "429", Attempts: []call.Attempt{{Outcome: call.Failed}}}.WriteTo(resp)
	run := func(context.Context, bool) iter.Seq2[turn.Event, error] {
		return func(yield func(turn.Event, error) bool) { yield(turn.Event{Author: "agent", Response: resp}, nil) }
	}
	same := func(ev turn.Event) turn.Event { return ev }
	var last error
	for _, err := range turn.Loop(t.Context(), run, func(ev turn.Event) (turn.Event, bool) { return ev, true }, same) {
		last = err
	}
	var exhausted *turn.ExhaustedError
	if !errors.As(last, &exhausted) {
		t.Errorf("error %v, want an ExhaustedError", last)
	}
}

// B13: Recover may send its answer in several responses. An agent's call has one.
func TestRecoverAnswersInSeveralResponses(t *testing.T) {
	said := func(text string) *model.LLMResponse {
		return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}
	}
	p := newPlugin(t, turn.Config{Recover: llmtest.NewModel("pro", llmtest.Send(said("one "), said("two")))})
	ctx := agentContext{t.Context(), "i", "agent", ""}
	req := begin(t, p, ctx, "flash")
	if resp, err := p.OnModelError(ctx, req, llmtest.ErrQuota); err != nil || llmtest.TextOf(resp.Content) != "one two" {
		t.Errorf("answer %+v (%v), want both texts", resp, err)
	}
}
