package router_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B76: an arm that loses a hedge has not failed.
func TestArmThatLosesAHedgeHasNotFailed(t *testing.T) {
	inBubble(t, func(t *testing.T, streamed bool) {
		slow := llmtest.NewModel("slow", within(time.Minute, llmtest.Text("x")))
		split := router.MustSplit(router.SplitConfig{Arms: []router.Arm{{Weight: 1, Model: slow}}})
		ask(t.Context(), router.MustHedge(router.HedgeConfig{Delay: time.Second}, split, llmtest.NewModel("fast", within(time.Second, llmtest.Text("y")))), streamed)
		time.Sleep(2 * time.Minute) // less than the window, and more than slow takes
		if arm := armsOf(split)[0]; arm.Calls != 0 {
			t.Errorf("%+v, want no calls", arm)
		}
	})
}
