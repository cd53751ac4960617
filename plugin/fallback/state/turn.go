package state

import (
	"context"
	"sync"
	"time"
)

// turn makes exchanges with the store happen one after the other, so that their answers are
// taken in in order, and callers that come meanwhile share the next one. Its owner's mutex
// guards it.
type turn struct{ done chan struct{} } // closed at the end of the exchange in progress; nil if there is none

// during does an exchange. It lets go of mu meanwhile.
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

// wait waits until the exchange in progress has ended, or ctx has. If it lasts longer than a
// caller may wait, the store is gone. It lets go of mu meanwhile.
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
