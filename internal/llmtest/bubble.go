package llmtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
)

// InTurn returns a context of a call in the given invocation.
func InTurn(ctx context.Context, invocation string) context.Context {
	return call.With(ctx, call.Info{Invocation: invocation, Agent: "agent"})
}

// InBubble runs f in a bubble of package synctest, once for unary and once for streamed calls.
// The test fails if f leaves a goroutine.
func InBubble(t *testing.T, f func(t *testing.T, streamed bool)) {
	t.Helper()
	for name, streamed := range map[string]bool{"unary": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, streamed) })
		})
	}
}

// Takes reports an error if f does not take exactly the wanted time. It is meant for the time in
// a bubble of package synctest.
func Takes(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	started := time.Now()
	f()
	if got := time.Since(started); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}
