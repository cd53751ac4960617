package middleware

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// share opens the buckets that replicas share.
func (l *limit) share() {
	if l.config.State == nil {
		return
	}
	name := cmp.Or(l.config.StateKey, l.Name())
	if n := l.config.RequestsPerMinute; n > 0 {
		l.requests = l.config.State.Bucket("requests:"+name, n)
	}
	if n := l.config.TokensPerMinute; n > 0 {
		l.tokens = l.config.State.Bucket("tokens:"+name, n)
	}
}

// gate takes from the buckets that replicas share; see [queue.Limits].
func (l *limit) gate(ctx context.Context, tokens int) (wait time.Duration) {
	if !l.requests.Ready(1) && !l.tokens.Ready(tokens) {
		return l.gateBoth(ctx, tokens)
	}
	if wait = l.requests.Take(ctx, 1); wait > 0 {
		return wait
	}
	if wait = l.tokens.Take(ctx, tokens); wait > 0 {
		l.requests.Settle(-1)
	}
	return wait
}

// gateBoth is gate for a call that has to wait for both buckets. It waits for both at the same
// time.
func (l *limit) gateBoth(ctx context.Context, tokens int) time.Duration {
	took := make(chan time.Duration, 1)
	go func() { took <- l.tokens.Take(ctx, tokens) }() // waits at most twice state.Config.Timeout
	request := l.requests.Take(ctx, 1)
	token := <-took
	switch {
	case request > 0 && token == 0:
		l.tokens.Settle(-tokens)
	case request == 0 && token > 0:
		l.requests.Settle(-1)
	}
	return max(request, token)
}

// Early implements stream.Early. If the call would have to queue here, it takes nothing.
func (l *limit) Early(ctx context.Context, req *model.LLMRequest, out *stream.Sink) {
	estimated := l.estimate(req)
	if l.requests == nil && l.tokens == nil || estimated > l.config.TokensPerMinute || l.queue.Busy() {
		return
	}
	stream.Claim(out, l, func() (int, bool) { return estimated, l.gate(ctx, estimated) == 0 }, l.putBack)
}

// passed reports whether the call has passed the gate ahead; see Early.
func (l *limit) passed(ctx context.Context, estimated int, out *stream.Sink) bool {
	taken, ok := stream.Claimed(ctx, out, l)
	switch {
	case !ok:
		return false
	case taken < estimated: // a layer between has made the request longer
		l.putBack(taken)
		return false
	}
	l.tokens.Settle(estimated - taken)
	return true
}

// putBack gives back what a call has taken at the gate, because it does not start.
func (l *limit) putBack(tokens int) {
	l.requests.Settle(-1)
	l.tokens.Settle(-tokens)
}
