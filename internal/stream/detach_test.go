package stream_test

import (
	"context"
	"testing"
	"testing/synctest"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// talks is a layer that goes on until it is told to stop.
type talks struct{ stream.Layer }

func (talks) Name() string { return "talks" }

func (talks) Do(_ context.Context, _ *model.LLMRequest, _ bool, out *stream.Sink) error {
	for out.Send(partial("a")) {
	}
	return nil
}

// A response that is in the caller's hands when it leaves the layer behind can still be
// passed or refused: nobody waits. What the layer sends later is lost.
func TestAnswerToALayerThatIsLeftBehind(t *testing.T) {
	for name, answer := range map[string]func(d *stream.Detached, resp *model.LLMResponse){
		"pass":   func(d *stream.Detached, resp *model.LLMResponse) { d.Pass(resp) },
		"refuse": func(d *stream.Detached, _ *model.LLMResponse) { d.Refuse() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				items := make(chan stream.Item)
				d := newRecorder().Detach(t.Context(), talks{}, &model.LLMRequest{}, true, items)
				item := <-items
				d.Leave(call.Attempt{})
				synctest.Wait() // the layer has gone
				answer(d, item.Response)
				select {
				case item := <-items:
					t.Errorf("it has sent %v", item)
				default:
				}
			})
		})
	}
}
