package state

import (
	"context"
	"sync"
	"time"
)

// turn counts the exchanges with the store that are in progress. Callers that wait for one of
// them share the next exchange. If only one runs at a time, answers are used in order. The
// owner's mutex guards turn.
type turn struct {
	running int
	ended   chan struct{} // closed when the next exchange ends; nil if no caller waits
}

// during runs an exchange. It unlocks mu meanwhile.
func (t *turn) during(mu *sync.Mutex, exchange func()) {
	t.running++
	mu.Unlock()
	defer func() {
		mu.Lock()
		t.running--
		if t.ended != nil {
			close(t.ended)
			t.ended = nil
		}
	}()
	exchange()
}

// wait waits until an exchange in progress or ctx has ended. See await.
func (t *turn) wait(ctx context.Context, l *link, mu *sync.Mutex) {
	if t.ended == nil {
		t.ended = make(chan struct{})
	}
	await(ctx, l, mu, t.ended)
}

// await waits for the end of an exchange, or of ctx. If the exchange lasts longer than the
// timeout, the store is marked as gone. It unlocks mu meanwhile.
func await(ctx context.Context, l *link, mu *sync.Mutex, ended <-chan struct{}) {
	mu.Unlock()
	defer mu.Lock()
	timer := time.NewTimer(l.timeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-ctx.Done():
	case <-timer.C:
		l.lose(context.DeadlineExceeded)
	}
}
