package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/bucket"
)

// tarpit counts the requests of a key that start no call: refused requests, lists of models and
// unknown endpoints. All requests without a valid key share one tarpit.
type tarpit struct {
	prompt bucket.Bucket // of requests that are answered without delay
	held   atomic.Int64  // requests being delayed
}

const (
	// promptPerMinute is how many of these requests a key may send per minute without delay. A
	// client that respects Retry-After sends far fewer.
	promptPerMinute = 600
	// tarpitTime is the delay of each further request. It is shorter than the usual timeout of a
	// client, and than the time in which a server shuts down.
	tarpitTime = time.Second
)

func newTarpit() *tarpit { return &tarpit{prompt: bucket.New(promptPerMinute)} }

// hold delays a request that starts no call if its key sends too many of them. A refusal costs
// about as much as a short call, so a client that retries at once would take CPU time from other
// tenants. A delayed request keeps its connection open, so at most MaxTenantCalls requests of a
// key are delayed at a time; others return at once. Without keys, nothing is delayed, because
// all clients would share one limit.
func (g *Gateway) hold(ctx context.Context, k *key) {
	if g.config.Keys == nil || k.tarpit.prompt.Take(time.Now(), 1) {
		return
	}
	defer k.tarpit.held.Add(-1)
	if k.tarpit.held.Add(1) > int64(g.limits.MaxTenantCalls) {
		return
	}
	timer := time.NewTimer(tarpitTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
