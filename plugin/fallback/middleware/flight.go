package middleware

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/digest"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// flights are the calls in progress that other calls for the same answer can wait for.
// The zero value has none. It is safe for concurrent use.
type flights[T any] struct {
	mu    sync.Mutex
	byKey map[digest.Sum]*flight[T] // guarded by mu
}

// flight is a call that others can wait for. It lands when its answer is there, or when
// it ends without one.
type flight[T any] struct {
	done   chan struct{} // closed when it has landed; then the rest is set
	answer *T            // nil if no answer can be shared
	failed bool          // then each waiting call makes its own
}

// join returns the flight for key, and whether it is the caller's own to land.
func (fs *flights[T]) join(key digest.Sum) (f *flight[T], mine bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.byKey[key]; f != nil {
		return f, false
	}
	if fs.byKey == nil {
		fs.byKey = make(map[digest.Sum]*flight[T])
	}
	f = &flight[T]{done: make(chan struct{})}
	fs.byKey[key] = f
	return f, true
}

// land lands f, unless it has landed. The waiting calls take answer if there is one;
// otherwise each makes its own call if failed, or else one of them does.
func (fs *flights[T]) land(key digest.Sum, f *flight[T], answer *T, failed bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.byKey[key] != f {
		return
	}
	delete(fs.byKey, key)
	f.answer, f.failed = answer, failed
	close(f.done)
}

// patience is how long one call waits for flights in all. Its timer starts with the
// first wait; stop ends it.
type patience struct {
	limit time.Duration
	timer *time.Timer
}

// errLate says that a flight has not landed in time.
var errLate = errors.New("middleware: the call for the same answer takes too long")

// wait waits for f. The error is errLate, or the end of ctx.
func wait[T any](ctx context.Context, f *flight[T], p *patience) error {
	if p.timer == nil {
		p.timer = time.NewTimer(p.limit)
	}
	select {
	case <-f.done:
		return nil
	case <-p.timer.C:
		p.timer.Reset(0) // for the next wait
		return errLate
	case <-ctx.Done():
		return stream.Ended(ctx)
	}
}

func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
