// Package flight lets calls for the same answer share one.
package flight

import (
	"context"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/digest"
)

// Group holds the calls in progress that other calls for the same answer can wait for.
// The zero value has none. It is safe for concurrent use.
type Group[T any] struct {
	mu    sync.Mutex
	byKey map[digest.Sum]*Flight[T] // guarded by mu
}

// Flight is a call that others can wait for. It lands when its answer is there, or when
// it ends without one.
type Flight[T any] struct {
	done   chan struct{} // closed when it has landed; then the rest is set
	answer *T            // nil if no answer can be shared
	failed bool          // then each waiting call makes its own
}

// Join returns the flight for key, and whether it is the caller's own to land.
func (g *Group[T]) Join(key digest.Sum) (f *Flight[T], mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.byKey[key]; f != nil {
		return f, false
	}
	if g.byKey == nil {
		g.byKey = make(map[digest.Sum]*Flight[T])
	}
	f = &Flight[T]{done: make(chan struct{})}
	g.byKey[key] = f
	return f, true
}

// Land lands f, unless it has landed. The waiting calls take answer if there is one;
// otherwise each makes its own call if failed, or else one of them does.
func (g *Group[T]) Land(key digest.Sum, f *Flight[T], answer *T, failed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byKey[key] != f {
		return
	}
	delete(g.byKey, key)
	f.answer, f.failed = answer, failed
	close(f.done)
}

// Patience is how long one call waits for flights in all. It starts with the first
// wait. Stop must be called at the end. A Patience is for one goroutine.
type Patience struct {
	limit time.Duration
	timer *time.Timer
}

// NewPatience returns a patience of limit.
func NewPatience(limit time.Duration) *Patience { return &Patience{limit: limit} }

// Stop releases the timer.
func (p *Patience) Stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// Wait waits for f and returns its answer. If that is nil, alone reports whether the
// caller must make its own call, because f has failed or p is over; otherwise the caller
// should join again. The error is that of ctx.
func (f *Flight[T]) Wait(ctx context.Context, p *Patience) (answer *T, alone bool, err error) {
	if p.timer == nil {
		p.timer = time.NewTimer(p.limit)
	}
	select {
	case <-f.done:
		return f.answer, f.answer == nil && f.failed, nil
	case <-p.timer.C:
		p.timer.Reset(0) // for the next wait
		return nil, true, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}
