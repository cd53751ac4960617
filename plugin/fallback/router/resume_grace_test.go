package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B120: an answer is compared from its start also where its model runs on a
// goroutine of its own.
func TestResumedAnswerOfAModelWithAGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grace := middleware.MustTimeout(middleware.TimeoutConfig{Total: time.Hour, Grace: time.Second})
		m := router.MustFallback(router.Config{MidStream: router.Resume},
			suite.NewModel("first", suite.Fail(suite.ErrUnavailable, "one ")),
			grace(suite.NewModel("second", suite.Text("one two three"))))
		text, final := "", ""
		for resp, err := range m.GenerateContent(t.Context(), userSays("hi"), true) {
			switch {
			case err != nil:
				t.Fatal(err)
			case resp.Partial:
				text += suite.TextOf(resp.Content)
			default:
				final = suite.TextOf(resp.Content)
			}
		}
		if text != "one two three" || final != text {
			t.Errorf("shown %q, final %q; want the whole text once", text, final)
		}
	})
}
