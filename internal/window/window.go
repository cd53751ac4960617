// Package window keeps the values of a sliding window of time, in slots that are dropped one
// at a time, the oldest first.
package window

import (
	"iter"
	"time"
)

// slots is how finely a window of New slides: it reaches back between nine tenths of
// its length and all of it.
const slots = 10

// Window is a value of type T per slot. Use New or NewSlots. It is not safe for
// concurrent use.
type Window[T any] struct {
	width time.Duration // of a slot
	start time.Time     // of slot 0; zero when nothing was kept yet
	ring  []entry[T]
}

type entry[T any] struct {
	slot  int64
	value T
}

// New returns an empty window of the given length.
func New[T any](length time.Duration) Window[T] { return NewSlots[T](length, slots) }

// NewSlots returns an empty window of the given length that slides in n steps.
func NewSlots[T any](length time.Duration, n int) Window[T] {
	return Window[T]{width: max(length/time.Duration(n), 1), ring: make([]entry[T], n)}
}

// At returns the value of now's slot, to be changed. A slot begins with the zero
// value.
func (w *Window[T]) At(now time.Time) *T {
	if w.start.IsZero() {
		w.start = now
	}
	slot := w.slot(now)
	at := &w.ring[slot%int64(len(w.ring))]
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
		oldest := w.slot(now) - int64(len(w.ring)) + 1
		for i := range w.ring {
			if at := &w.ring[i]; at.slot >= oldest && !yield(at.value) {
				return
			}
		}
	}
}

// Latest returns the values of the n latest slots of the window that ends at now, oldest
// first; nil for a slot that nothing was kept in. n is at most the number of slots.
func (w *Window[T]) Latest(now time.Time, n int) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		end := w.slot(now) + 1
		for slot := end - int64(n); slot < end; slot++ {
			var value *T
			if slot >= 0 {
				if at := &w.ring[slot%int64(len(w.ring))]; at.slot == slot {
					value = &at.value
				}
			}
			if !yield(value) {
				return
			}
		}
	}
}

func (w *Window[T]) slot(now time.Time) int64 { return max(int64(now.Sub(w.start)/w.width), 0) }
