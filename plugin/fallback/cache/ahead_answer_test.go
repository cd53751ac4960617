package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// An answer that needed no model may be in the consumer's hands for long, too. Meanwhile
// nothing is held for the models that were not called.
func TestNothingIsHeldWhileTheConsumerHasAnAnswerWithoutAModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScarce(t)
		deny := stream.Wrap(stream.Of(s.stack(suite.NewModel("flash"))), func(context.Context, *model.LLMRequest, bool, *stream.Sink) error { return suite.ErrUnavailable })
		m := s.cache.Middleware()(router.MustFallback(router.Config{}, deny, degrade.Template("sorry")))
		time.Sleep(40 * time.Millisecond)
		for _, err := range m.GenerateContent(t.Context(), suite.UserSays("hi"), false) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if r, _ := s.left(t); r < requestsLeft {
				t.Errorf("%d requests are left; want %d at least", r, requestsLeft)
			}
			if share := s.budget.Share(""); share != 0 {
				t.Errorf("%v of the budget is used", share)
			}
		}
	})
}
