package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B120: an answer is compared from its start also where its model runs on a
// goroutine of its own.
func TestResumedAnswerOfAModelWithAGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Second})
		m := router.MustFallback(router.Config{MidStream: router.Resume},
			llmtest.NewModel("first", llmtest.Fail(llmtest.ErrUnavailable, "one ")),
			grace(llmtest.NewModel("second", llmtest.Text("one two three"))))
		text, final := "", ""
		for resp, err := range m.GenerateContent(t.Context(), userSays("hi"), true) {
			switch {
			case err != nil:
				t.Fatal(err)
			case resp.Partial:
				text += llmtest.TextOf(resp.Content)
			default:
				final = llmtest.TextOf(resp.Content)
			}
		}
		if text != "one two three" || final != text {
			t.Errorf("shown %q, final %q; want the whole text once", text, final)
		}
	})
}
