package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/bucket"
)

// tarpit counts what a key gets without a place among the calls: refusals, lists of models and
// unknown endpoints. Requests without a valid key have one together.
type tarpit struct {
	prompt bucket.Bucket // of requests that are answered at once
	held   atomic.Int64  // requests that wait
}

const (
	// promptPerMinute is how many requests of a key are answered at once: far more than a client
	// sends that heeds Retry-After.
	promptPerMinute = 600
	// tarpitTime is how long the others wait. It is shorter than the timeouts of clients, and
	// than the shutdown of a server.
	tarpitTime = time.Second
)

func newTarpit() *tarpit { return &tarpit{prompt: bucket.New(promptPerMinute)} }

// hold delays a request that needs no call if its key sends too many. A refusal costs about as
// much as a short call, so a client that repeats it at once would take the processors from
// other tenants. A held request keeps its connection: at most as many of a key are held as its
// tenant may have calls. Without keys, nothing is held, as all clients would share the delay.
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
