package router_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// wrapped is a model of the application's around another one.
type wrapped struct{ model.LLM }

// What a router within a model of the application's shows beside its answer is no part of
// the text that another model continues, nor is it given to that model.
func TestNoticesAndPreviewsAreNoTextToContinue(t *testing.T) {
	cut := func(name string) model.LLM {
		return llmtest.NewModel(name, slowly(time.Second, llmtest.Fail(llmtest.ErrUnavailable, "Hello ")))
	}
	notice := router.Config{Notice: router.Notice{Text: "fallback!"}}
	for _, test := range []struct {
		name   string
		midway router.MidStream
		first  model.LLM
		want   string
	}{
		{"a notice", router.Resume, router.MustFallback(notice, down("a"), cut("b")), "(fallback!)Hello you[Hello you]"},
		{"a preview", router.Resume, router.MustProgressive(router.ProgressiveConfig{}, says("small"), cut("b")), "Hello you[Hello you]"},
		{"a preview of a text that stays", router.FailMidStream, router.MustProgressive(router.ProgressiveConfig{}, says("small"), cut("b")), "Hello error"},
		{"a preview of a text that may go", router.Restart, router.MustProgressive(router.ProgressiveConfig{}, says("small"), cut("b")), "from small|Hello |you[you]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := llmtest.NewModel("next", llmtest.Text("you"))
				m := router.MustFallback(router.Config{MidStream: test.midway}, wrapped{test.first}, router.Describe(next, router.Traits{Prefill: true}))
				if got := noticed(t, t.Context(), m, true); got != test.want {
					t.Errorf("the consumer saw %q, want %q", got, test.want)
				}
				if requests := next.Requests(); test.midway == router.Resume {
					if given := llmtest.TextOf(requests[0].Contents[len(requests[0].Contents)-1]); given != "Hello" {
						t.Errorf("the next model was given %q to continue", given)
					}
				}
			})
		})
	}
}

// Parallel calls in several sessions, of nested routers with every feature that follows a
// switch, with odd contents and consumers that stop or cancel. For the race detector.
func TestSwitchesInParallel(t *testing.T) {
	flaky := func(name string) model.LLM {
		odd := &model.LLMResponse{Content: genai.NewContentFromParts([]*genai.Part{nil, {Text: "from " + name}, nil}, genai.RoleModel), FinishReason: genai.FinishReasonStop}
		return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrUnavailable), llmtest.Text("from "+name), llmtest.Fail(llmtest.ErrQuota, "from "), cachedAnswer(100, 50), calls("pay"), llmtest.Respond(func() *model.LLMResponse { return odd }))
	}
	config := router.Config{
		Sticky: router.StickySession, StayFor: time.Hour, MaxTurns: 3,
		Notice: router.Notice{Text: "fallback!"}, Gate: guard.Gate{Tools: []string{"pay"}},
	}
	hedge := router.MustHedge(router.HedgeConfig{Delay: 1, MaxExtraLoad: 1}, flaky("c"), flaky("d"))
	preview := router.MustProgressive(router.ProgressiveConfig{}, flaky("small"), router.MustFallback(config, flaky("b"), hedge))
	m := router.MustFallback(config, flaky("a"), router.Describe(preview, router.Traits{Tier: "x"}), router.Describe(flaky("e"), router.Traits{Tier: "x"}), says("last"))
	var running sync.WaitGroup
	for i := range 400 {
		running.Go(func() {
			ctx, cancel := context.WithCancel(inSession(t.Context(), fmt.Sprint(i%5, "/", i%11)))
			defer cancel()
			got := 0
			for resp, err := range m.GenerateContent(ctx, &model.LLMRequest{Contents: []*genai.Content{nil, {Role: genai.RoleUser, Parts: []*genai.Part{nil, {Text: "hi"}}}}}, i%3 != 0) {
				if got++; err != nil || got == i%13 {
					return
				}
				if i%17 == 0 {
					cancel()
				}
				if !resp.Partial && request.Text(resp.Content) == "fallback!" {
					t.Error("the notice is an answer")
				}
			}
		})
	}
	running.Wait()
}
