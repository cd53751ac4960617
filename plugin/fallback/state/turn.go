package state

import (
	"context"
	"sync"
	"time"
)

// turn serializes exchanges with the store, so that their answers are used in order, and callers
// that wait share the next exchange. Its owner's mutex guards it.
type turn struct{ done chan struct{} } // closed at the end of the exchange in progress; nil if there is none

// during runs an exchange. It unlocks mu meanwhile.
func (t *turn) during(mu *sync.Mutex, exchange func()) {
	done := make(chan struct{})
	t.done = done
	mu.Unlock()
	defer func() {
		mu.Lock()
		t.done = nil
		close(done)
	}()
	exchange()
}

// wait waits until the exchange in progress or ctx has ended. If the exchange lasts longer than
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
