package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/queue"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// admission decides which calls run. The limits of a tenant are checked first. When the gateway
// is full, calls wait in a queue: tenants within their fair share come before the others, and
// then more important classes come first. When the queue is full, a new call displaces the last
// one if it ranks before it.
type admission struct {
	limits Limits
	queue  *queue.Queue

	mu      sync.Mutex
	tenants map[string]*tenant // guarded by mu; those with calls, by their folded names
	bodies  int                // guarded by mu; bytes of all
}

// tenant counts the calls and bytes of a tenant. The mutex of its admission guards it.
type tenant struct {
	calls  int // in progress or waiting
	bodies int // bytes
}

func newAdmission(limits Limits) *admission {
	return &admission{
		limits:  limits,
		queue:   queue.New(queue.Limits{MaxConcurrent: limits.MaxCalls, MaxQueue: limits.MaxQueue, MaxWait: limits.MaxWait}),
		tenants: make(map[string]*tenant),
	}
}

// ticket is the place of one call. It must be given back with end.
type ticket struct {
	*admission
	key    *key
	tenant string // folded
	body   int    // bytes held
	inside bool   // the call counts among those of the queue
}

// shortly is the Retry-After of calls that are refused because the gateway is full.
const shortly = time.Second

// begin counts a call for its key and tenant, unless their limits are reached.
func (a *admission) begin(k *key) (*ticket, *problem.Problem) {
	if calls := k.calls.Add(1); k.concurrency > 0 && calls > int64(k.concurrency) {
		k.calls.Add(-1)
		return nil, later(http.StatusTooManyRequests, shortly, "this API key has as many calls in progress as it may")
	}
	t := &ticket{admission: a, key: k, tenant: match.Fold(k.tenant)}
	a.mu.Lock()
	of := a.tenants[t.tenant]
	if of == nil {
		of = &tenant{}
		a.tenants[t.tenant] = of
	}
	of.calls++
	calls := of.calls
	a.mu.Unlock()
	if calls > a.limits.MaxTenantCalls {
		t.end()
		return nil, later(http.StatusTooManyRequests, shortly, "this tenant has as many calls in progress as it may")
	}
	if now := time.Now(); !k.requests.Take(now, 1) {
		t.end()
		return nil, later(http.StatusTooManyRequests, k.requests.Delay(now, 1), "this API key has started as many calls in a minute as it may")
	}
	return t, nil
}

// hold counts bytes of the call's body. It returns false if the bodies of its tenant, or of all
// tenants, are too large.
func (t *ticket) hold(bytes int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.tenants[t.tenant]
	most := t.limits.MaxBodies
	if t.limits.MaxTenantCalls < t.limits.MaxCalls { // the gateway has several tenants
		most = max(most/2, t.limits.MaxBody)
	}
	if t.bodies+bytes > t.limits.MaxBodies || of.bodies+bytes > most {
		return false
	}
	t.bodies += bytes
	of.bodies += bytes
	t.body += bytes
	return true
}

// enter waits until the call may run. rank is the rank of its class, from 0 to ranks-1.
func (t *ticket) enter(ctx context.Context, rank, ranks int) *problem.Problem {
	if _, _, ok := t.queue.Enter(ctx, 0); ok {
		t.inside = true
		return nil
	}
	fair := t.fair()
	if fair {
		rank += ranks
	}
	_, err := t.queue.Wait(ctx, rank, 0, 0, func(time.Time) bool { return false })
	if err == nil {
		t.inside = true
		return nil
	}
	if _, refused := errors.AsType[*queue.Refusal](err); !refused {
		return problemOf(ctx, err)
	}
	if !fair {
		return later(http.StatusTooManyRequests, shortly, "the gateway is full, and this tenant has more than its share of the calls in progress")
	}
	return later(http.StatusServiceUnavailable, shortly, "the gateway is full")
}

// fair reports whether the tenant has at most an equal share of all calls.
func (t *ticket) fair() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tenants[t.tenant].calls*len(t.tenants) <= t.limits.MaxCalls
}

// end gives everything back.
func (t *ticket) end() {
	if t.inside {
		t.queue.Leave(0, queue.Unknown, 0)
	}
	t.key.calls.Add(-1)
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.tenants[t.tenant]
	t.bodies -= t.body
	of.bodies -= t.body
	if of.calls--; of.calls == 0 {
		delete(t.tenants, t.tenant)
	}
}

// later returns the problem of a request that the client may send again.
func later(status int, wait time.Duration, text string) *problem.Problem {
	code := problem.CodeRateLimit
	if status == http.StatusServiceUnavailable {
		code = problem.CodeOverloaded
	}
	p := problem.New(status, code, "", text+"; try again later")
	p.Wait = wait
	return p
}
