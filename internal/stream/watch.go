package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Watch is the context of an attempt that may be cut off. What that takes, a
// channel and a timer, comes to be when somebody listens for the end of the
// context: a model that is asked over a network does at once, one that answers
// from memory never, and is spared most of what a time limit costs.
//
// It is safe for concurrent use between Begin and End.
type Watch struct {
	context.Context // the caller's

	by      Watcher
	out     *Sink
	started time.Time
	heard   atomic.Pointer[heard] // nil until somebody listens

	mu   sync.Mutex // also serializes by
	over bool       // guarded by mu
}

// Watcher decides when an attempt is cut off.
type Watcher interface {
	// Look returns why the attempt, which began so long ago and has had so many
	// [Sink.Beats], is to be cut off, or else how long to leave it alone; 0 is for
	// good. Once it has a cause, it returns that again. It is not called twice at
	// a time.
	Look(elapsed time.Duration, beats uint32) (cause error, pause time.Duration)
}

// heard is a Watch that somebody listens to.
type heard struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // guarded by the mu of the Watch; nil for none
}

// Begin starts the attempt that out serves, and End ends it, as a cancelled one.
func (w *Watch) Begin(ctx context.Context, by Watcher, out *Sink) {
	w.Context, w.by, w.out, w.started = ctx, by, out, time.Now()
}

// End ends the attempt. The context is done then.
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
	w.out.watched.Store(true)
	cause, _ := w.by.Look(time.Since(w.started), w.out.Beats())
	return cause != nil
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
	if w.over {
		h.cancel(nil)
	} else {
		w.out.watched.Store(true)
		w.look(h)
	}
	return h
}

// look cuts the attempt off, or sets the timer to look again. It needs mu.
func (w *Watch) look(h *heard) {
	switch cause, pause := w.by.Look(time.Since(w.started), w.out.Beats()); {
	case cause != nil:
		h.cancel(cause)
	case pause == 0:
	case h.timer == nil:
		h.timer = time.AfterFunc(pause, w.wake)
	default:
		h.timer.Reset(pause)
	}
}

// wake is the timer's.
func (w *Watch) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.look(w.heard.Load())
	}
}
