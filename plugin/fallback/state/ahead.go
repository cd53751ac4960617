package state

import (
	"context"
	"slices"
	"time"
)

// Several layers of a call, one inside the other, may take something from the store. The first
// layer that has to wait announces the call to the buckets and accounts of the others with
// Ahead, so that the call waits for all answers at the same time.

// advance has the tokens for an announced call. The bucket's mu guards it.
type advance struct {
	n       int
	ready   bool          // the tokens are set aside for the call; otherwise they are being taken
	void    bool          // the call does not come
	expires bool          // the next tick gives the tokens back
	ended   chan struct{} // closed at the end of the exchange; nil without one
}

// Ahead announces a call that is about to take n tokens. If the call would have to wait for the
// store, Ahead starts to take the tokens in the background. Ahead(-n) gives them back if
// the call does not come after all. Otherwise unused tokens go back after half a second at most.
func (b *SharedBucket) Ahead(n int) {
	if b == nil || n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n < 0 {
		b.revoke(-n)
		return
	}
	b.use(n)
	a := &advance{n: n}
	switch {
	case b.s.gone():
	case b.has(n):
		b.spend(n)
		a.ready = true
		b.ahead = append(b.ahead, a)
	case b.refuses(n, time.Now()) || b.turn.running >= maxExchanges:
	default:
		a.ended = make(chan struct{})
		if b.s.start(func(ctx context.Context) { b.advance(ctx, a) }) {
			b.ahead = append(b.ahead, a)
		}
	}
}

// advance takes the tokens of a. It needs no lock.
func (b *SharedBucket) advance(ctx context.Context, a *advance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch wait, err := b.exchange(ctx, b.s.config.Timeout, a.n); {
	case err != nil || wait > 0:
		b.drop(a)
	case a.void:
		b.enqueue() // to put them back
	default:
		b.spend(a.n)
		a.ready = true
	}
	close(a.ended)
}

// find returns the tokens for an announced call of n, or nil if there are none.
func (b *SharedBucket) find(n int, ready bool) *advance {
	for _, a := range b.ahead {
		if a.n == n && a.ready == ready {
			return a
		}
	}
	return nil
}

// drop removes a, unless it was removed before.
func (b *SharedBucket) drop(a *advance) {
	if i := slices.Index(b.ahead, a); i >= 0 {
		b.ahead = slices.Delete(b.ahead, i, i+1)
	}
}

// redeem reports whether there are tokens for an announced call of n, which it then uses.
func (b *SharedBucket) redeem(n int) bool {
	a := b.find(n, true)
	if a != nil {
		b.drop(a)
	}
	return a != nil
}

// revoke gives back the tokens of an announced call that does not come.
func (b *SharedBucket) revoke(n int) {
	if b.redeem(n) {
		b.spend(-n)
	} else if a := b.find(n, false); a != nil {
		a.void = true
		b.drop(a)
	}
}

// expire gives back the tokens of announced calls that have not come within a tick.
func (b *SharedBucket) expire() {
	b.ahead = slices.DeleteFunc(b.ahead, func(a *advance) bool {
		gone := a.ready && a.expires
		if a.expires = true; gone {
			b.spend(-a.n)
		}
		return gone
	})
}

// Ahead announces a call that is about to reserve n. If the call would have to wait for the
// store, Ahead starts to make the lease large enough in the background.
func (a *SharedAccount) Ahead(n int64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle, a.latest = 0, n
	if a.ready(n) {
		return
	}
	a.s.start(func(ctx context.Context) {
		if a.reserve(ctx, n) == nil {
			a.Settle(n, 0)
		}
	})
}

// start runs a request to the store on a goroutine, which ends with the request, at the latest
// when s is closed. start reports false if s is closed already.
func (s *Shared) start(request func(ctx context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open.Err() != nil {
		return false
	}
	s.running.Go(func() { request(s.open) })
	return true
}
