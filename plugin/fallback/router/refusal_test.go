package router_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// A refusal does not follow the text of an earlier target that must not be discarded. B53
func TestRefusalAfterTextThatStands(t *testing.T) {
	first := llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable, "Hel"))
	second := llmtest.NewModel("second", llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}
	}))
	got := ask(t.Context(), router.MustFallback(router.Config{MidStream: router.Resume}, first, second), true)
	if got.stream != "Hel" || got.err == nil {
		t.Errorf("%s, %v; want the text and an error", got.stream, got.err)
	}
}

// A refusal that ends a call does not follow the text of a later target: the consumer is told
// to discard that text first, or gets an error instead of the refusal. B52, B53
func TestRefusalAfterAnotherModelsText(t *testing.T) {
	refuses := llmtest.Respond(func() *model.LLMResponse {
		return &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}
	})
	begins := send(&model.LLMResponse{Content: chunk("Hel").Content, Partial: true, ModelVersion: "second-001"})
	silent := llmtest.Fail(llmtest.ErrUnavailable)
	for _, test := range []struct {
		name    string
		midway  router.MidStream
		targets []llmtest.Step
		want    string
	}{
		{"restart", router.Restart, []llmtest.Step{refuses, begins}, "Hel|[SAFETY]"},
		{"restart, and a third", router.Restart, []llmtest.Step{refuses, begins, silent}, "Hel|[SAFETY]"},
		{"fail", router.FailMidStream, []llmtest.Step{refuses, begins}, "Hel"},
		{"resume", router.Resume, []llmtest.Step{refuses, begins}, "Hel"},
		{"resume, and a third", router.Resume, []llmtest.Step{refuses, begins, silent}, "Hel"},
		{"fail, with nothing shown", router.FailMidStream, []llmtest.Step{refuses, silent}, "[SAFETY]"},
		{"the text of the refusal's own attempt", router.Restart, []llmtest.Step{llmtest.Step(send(chunk("Hel"), &model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}))}, "Hel[SAFETY]"},
	} {
		var models []model.LLM
		for i, step := range test.targets {
			models = append(models, llmtest.NewModel([]string{"first", "second", "third"}[i], step))
		}
		m := router.MustFallback(router.Config{FallbackOnContentPolicy: true, MidStream: test.midway}, models...)
		for in, m := range map[string]model.LLM{"": m, " in a hedge": router.MustHedge(router.HedgeConfig{Delay: time.Hour}, m, says("idle"))} {
			got := ask(t.Context(), m, true)
			refused := test.want[len(test.want)-1] == ']'
			if got.stream != test.want || (got.err == nil) != refused || !refused && !errors.Is(got.err, failure.ErrTruncated) {
				t.Errorf("%s%s: %s, %v; want %s", test.name, in, got.stream, got.err, test.want)
			}
			if refused && got.final != nil && (got.final.CustomMetadata[call.KeyModelName] != "first" || got.final.CustomMetadata[call.KeyModelVersion] != nil) {
				t.Errorf("%s%s: metadata %v, want that of first", test.name, in, got.final.CustomMetadata)
			}
		}
	}
}
