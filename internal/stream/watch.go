package stream

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Watch is the context of an attempt that may be cut off. What that takes, a
// channel and a timer, comes to be when somebody listens for the end of the
// context: a model that is asked over a network does at once, one that answers
// from memory never, and is spared most of what a time limit costs.
//
// It is safe for concurrent use.
type Watch struct {
	context.Context // the caller's

	by      Watcher
	out     *Sink
	started time.Duration         // by clock
	heard   atomic.Pointer[heard] // nil until somebody listens

	mu      sync.Mutex    // also serializes by
	over    bool          // guarded by mu
	first   uint32        // beats of out when the attempt started
	latest  uint32        // beats at the last look; guarded by mu
	cause   error         // why it is cut off; guarded by mu
	changed time.Duration // after the start, when a look last found a new beat; guarded by mu
	due     time.Duration // after the start, when to look again; guarded by mu
}

// Watcher decides when an attempt is cut off.
type Watcher interface {
	// Look returns how long to leave the attempt, which began so long ago, alone, 0
	// for good, or else why to cut it off. shown says that there was content, and
	// silent how long the model has been silent since, as far as it was looked at.
	// It is not called twice at a time, and no more once it had a cause.
	Look(elapsed, silent time.Duration, shown bool) (pause time.Duration, cause error)
}

// heard is a Watch that somebody listens to.
type heard struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // guarded by the mu of the Watch; nil for none
}

// Watch starts to watch an attempt. [Watch.End] ends it, as a cancelled one.
func (s *Sink) Watch(ctx context.Context, by Watcher) *Watch {
	w := &s.watch
	if w.out != nil {
		w = &Watch{}
	}
	w.Context, w.by, w.out, w.started, w.first = ctx, by, s, clock(), s.Beats()
	w.latest = w.first
	return w
}

// End ends the attempt. The context is done then, and the Watcher is not asked
// any more.
func (w *Watch) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if h := w.heard.Load(); h != nil {
		if h.timer != nil {
			h.timer.Stop()
		}
		h.cancel(nil)
	}
}

// Done implements context.Context.
func (w *Watch) Done() <-chan struct{} { return w.listen().Done() }

// Err implements context.Context. Asking is not listening: the clock is read, and
// no timer set.
func (w *Watch) Err() error {
	if h := w.heard.Load(); h != nil {
		return h.Err()
	}
	if err := w.Context.Err(); err != nil {
		return err
	}
	if w.passed() {
		return w.listen().Err()
	}
	return nil
}

// passed reports whether the attempt is over or to be cut off.
func (w *Watch) passed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return true
	}
	w.look(clock() - w.started)
	return w.cause != nil
}

// Value implements context.Context.
func (w *Watch) Value(key any) any {
	if h := w.heard.Load(); h != nil {
		return h.Value(key) // package context finds the cause so
	}
	return w.Context.Value(key)
}

// listen makes the context one that can be waited for.
func (w *Watch) listen() *heard {
	if h := w.heard.Load(); h != nil {
		return h
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.heard.Load(); h != nil {
		return h
	}
	h := &heard{}
	h.Context, h.cancel = context.WithCancelCause(w.Context)
	w.heard.Store(h)
	switch {
	case w.over:
		h.cancel(nil)
	case h.Err() == nil:
		w.act(h)
	}
	return h
}

// never is later than any attempt takes.
const never = time.Duration(math.MaxInt64)

// look asks the Watcher if it is time to. It needs mu.
func (w *Watch) look(elapsed time.Duration) {
	if elapsed < w.due {
		return
	}
	if beats := w.out.Beats(); beats != w.latest || beats%2 == 1 {
		w.latest, w.changed = beats, elapsed
	}
	pause, cause := w.by.Look(elapsed, elapsed-w.changed, w.latest != w.first)
	w.cause, w.due = cause, never
	if cause == nil && pause > 0 {
		w.due = elapsed + pause
	}
}

// act cuts the attempt off, or sets the timer to look again. It needs mu.
func (w *Watch) act(h *heard) {
	elapsed := clock() - w.started
	w.look(elapsed)
	switch {
	case w.cause != nil:
		h.cancel(w.cause)
	case w.due == never:
	case h.timer == nil:
		h.timer = time.AfterFunc(w.due-elapsed, w.wake)
	default:
		h.timer.Reset(w.due - elapsed)
	}
}

// wake is the timer's.
func (w *Watch) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.act(w.heard.Load())
	}
}

// epoch is where clock starts.
var epoch = time.Now()

// clock tells instants that are only compared with each other. It takes half of
// what time.Now does, which reads the time of day too.
func clock() time.Duration { return time.Since(epoch) }
