package llmtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// InTurn returns a context of the given invocation.
func InTurn(ctx context.Context, invocation string) context.Context {
	return call.With(ctx, call.Info{Invocation: invocation, Agent: "agent"})
}

// InBubble runs f with time of its own, for unary and streamed calls. It fails when a
// goroutine is left.
func InBubble(t *testing.T, f func(t *testing.T, streamed bool)) {
	t.Helper()
	for name, streamed := range map[string]bool{"unary": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, streamed) })
		})
	}
}

// Takes reports an f that does not take the time it should, to the nanosecond: it is for
// the time of a synctest bubble.
func Takes(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	started := time.Now()
	f()
	if got := time.Since(started); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}
