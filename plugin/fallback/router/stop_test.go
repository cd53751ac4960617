package router_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B56: at whichever response the consumer stops, it gets nothing more, and the model is stopped
// at the response that it has just sent.
func TestConsumerStopsAtAnyResponse(t *testing.T) {
	for place, want := range map[router.NoticePlace][]string{
		// The consumer gets first's text, the marker of a restart, what was held back, the notice, and the rest.
		router.NoticeBefore: {"first 1", "second 2", "second 2", "second 2", "second 2", "second 3", "second 4"},
		router.NoticeAfter:  {"first 1", "second 2", "second 2", "second 2", "second 3", "second 4", "second 4"},
	} {
		var got []string
		for stop := 1; stop <= len(want); stop++ {
			sends := func(name string, responses ...*model.LLMResponse) *llmtest.Model {
				return llmtest.NewModel(name, func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
					for i, resp := range responses {
						if !yield(resp, nil) {
							got = append(got, fmt.Sprint(name, " ", i+1))
							return
						}
					}
					yield(nil, llmtest.ErrUnavailable)
				})
			}
			m := router.MustFallback(router.Config{Notice: router.Notice{Text: "fallback!", Place: place}},
				sends("first", chunk("Hel")),
				sends("second", &model.LLMResponse{Partial: true}, chunk("Hello"), chunk(" world"), &model.LLMResponse{Content: chunk("Hello world").Content, FinishReason: "STOP"}),
				says("third"))
			n := 0
			for range m.GenerateContent(t.Context(), userSays("hi"), true) { // the range panics if it gets more after the break
				if n++; n == stop {
					break
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("notice %s: the models stopped at (-want +got):\n%s", place, diff)
		}
	}
}
