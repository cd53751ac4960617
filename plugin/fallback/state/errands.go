package state

import (
	"context"
	"sync"
	"time"
)

// errands are queues of objects whose state is sent to the store in the background, one after
// the other. Flags and buckets go first, values last. An errand sends the latest state of its
// object. So each object is queued at most once, and the number of objects bounds the queues.
type errands struct {
	wake chan struct{} // has a value if something was added

	mu     sync.Mutex
	urgent []errand // guarded by mu
	rest   []errand // guarded by mu
}

// errand is an object whose state is sent to the store. An errand that failed is added again
// when the store is back.
type errand interface{ send(ctx context.Context) }

func (e *errands) add(queue *[]errand, one errand) {
	e.mu.Lock()
	*queue = append(*queue, one)
	e.mu.Unlock()
	e.nudge()
}

func (e *errands) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// next returns the next errand, or nil.
func (e *errands) next() (one errand) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, queue := range []*[]errand{&e.urgent, &e.rest} {
		if q := *queue; len(q) > 0 {
			one, q[0] = q[0], nil
			if *queue = q[1:]; len(q) == 1 {
				*queue = nil
			}
			return one
		}
	}
	return nil
}

// tick is how often look runs.
const tick = 250 * time.Millisecond

// sends sends errands until ctx ends.
func (s *Shared) sends(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for ticks := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.errands.wake:
		case <-ticker.C:
			ticks++
			s.look(ticks)
		}
		s.sendAll(ctx)
	}
}

// sendAll sends all errands and values, until the store is gone. It finishes an errand that it
// has begun even if ctx ends meanwhile: the errand is no longer queued, so Close would miss it.
func (s *Shared) sendAll(ctx context.Context) {
	for !s.gone() && ctx.Err() == nil {
		one := s.errands.next()
		if one == nil {
			select {
			case v := <-s.values:
				one = v
			default:
				return
			}
		}
		one.send(context.WithoutCancel(ctx))
	}
}

// look adds errands for buckets at each tick, and for accounts once a second, if they have
// something to send or to read.
func (s *Shared) look(ticks int) {
	for _, b := range s.activeBuckets() {
		b.look()
	}
	if ticks%int(time.Second/tick) == 0 {
		for _, a := range s.allAccounts() {
			a.look()
		}
	}
}

// resend adds errands for the flags and accounts whose state the store may have missed while it
// was gone. It is called after the link is restored: an errand that fails later marks the store
// as gone, so the end of that outage adds it again.
func (s *Shared) resend() {
	s.resendFlags()
	for _, a := range s.allAccounts() {
		a.mu.Lock()
		a.enqueue()
		a.mu.Unlock()
	}
}
