// Package window keeps values of the latest time only, in slots that are
// forgotten one after the other.
package window

import (
	"iter"
	"time"
)

// slots is how finely a window slides: it reaches back between nine tenths of
// its length and all of it.
const slots = 10

// Window is a value of type T per slot. Use New. It is not safe for concurrent
// use.
type Window[T any] struct {
	width time.Duration // of a slot
	start time.Time     // of slot 0; zero when nothing was kept yet
	ring  [slots]struct {
		slot  int64
		value T
	}
}

// New returns an empty window of the given length.
func New[T any](length time.Duration) Window[T] { return Window[T]{width: max(length/slots, 1)} }

// At returns the value of now's slot, to be changed. A slot begins with the zero
// value.
func (w *Window[T]) At(now time.Time) *T {
	if w.start.IsZero() {
		w.start = now
	}
	slot := w.slot(now)
	at := &w.ring[slot%slots]
	if at.slot < slot {
		at.slot = slot
		at.value = *new(T)
	}
	return &at.value
}

// All returns the values of the slots of the window that ends at now, in no
// order; slots that nothing was kept in may be among them.
func (w *Window[T]) All(now time.Time) iter.Seq[T] {
	return func(yield func(T) bool) {
		oldest := w.slot(now) - slots + 1
		for _, at := range w.ring {
			if at.slot >= oldest && !yield(at.value) {
				return
			}
		}
	}
}

func (w *Window[T]) slot(now time.Time) int64 { return max(int64(now.Sub(w.start)/w.width), 0) }
