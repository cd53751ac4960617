package stream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/suite"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// B119: an idle limit too short for its steps still ends an attempt.
func TestTheShortestIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		ctx, end := r.Limit(t.Context(), stream.Limits{Idle: 4, Why: func(phase string, d time.Duration) error {
			return &failure.TimeoutError{Phase: phase, Limit: d}
		}})
		defer end()
		r.Send(partial("a"))
		started := time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			t.Fatal("it has not ended after a minute")
		}
		if took := time.Since(started); took > 2*time.Millisecond {
			t.Errorf("it ended after %v, want 2ms at most", took)
		}
	})
}

// The wait before an attempt is that of the first one in a fork, and nobody else's.
func TestAForkTakesTheWaitOver(t *testing.T) {
	r := newRecorder()
	r.Wait = time.Second
	if fork := r.Fork(func(*model.LLMResponse) bool { return true }); fork.Wait != time.Second || r.Wait != 0 {
		t.Errorf("the fork waited %v and its parent %v, want 1s and 0", fork.Wait, r.Wait)
	}
}

// B72: a failure that a caller meets after it has gone says nothing of the model.
func TestVerdictOfACallThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := newRecorder()
	err := stream.Of(suite.NewModel("flash", suite.Fail(suite.ErrUnavailable))).Do(ctx, &model.LLMRequest{}, false, r.Sink)
	if v := stream.VerdictOf(ctx, err); v.Action != failure.Retry {
		t.Errorf("verdict %+v, want a retry", v)
	}
	cancel()
	if v := stream.VerdictOf(ctx, err); v.Kind != failure.KindCanceled {
		t.Errorf("verdict %+v after the caller's end, want its cancellation", v)
	}
}
