package state

import (
	"context"
	"sync"
	"time"
)

// turn counts exchanges with the store, and lets callers wait for the end of one. Its owner decides
// how many there may be at once. Its owner's mutex guards it.
type turn struct {
	n    int           // exchanges in progress
	done chan struct{} // closed at the end of the one that ends next; nil if there is none
}

// during runs an exchange. It unlocks mu meanwhile.
func (t *turn) during(mu *sync.Mutex, exchange func()) {
	if t.n++; t.n == 1 {
		t.done = make(chan struct{})
	}
	mu.Unlock()
	defer func() {
		mu.Lock()
		close(t.done)
		t.done = nil
		if t.n--; t.n > 0 {
			t.done = make(chan struct{})
		}
	}()
	exchange()
}

// wait waits until an exchange in progress or ctx has ended. If the exchange lasts longer than
// the timeout, the store is marked as gone. It unlocks mu meanwhile.
func (t *turn) wait(ctx context.Context, l *link, mu *sync.Mutex) {
	done := t.done
	mu.Unlock()
	defer mu.Lock()
	timer := time.NewTimer(l.timeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-timer.C:
		l.lose(context.DeadlineExceeded)
	}
}
