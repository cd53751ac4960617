package state

import (
	"context"
	"slices"
	"time"
)

// A call may have several things to take from the store, in layers that come one after the
// other. So that it waits for all of them at the same time, the first layer that has to wait
// announces the call to the buckets and accounts of the others, with Ahead.

// advance is an exchange for a call that was announced.
type advance struct {
	n     int
	ended chan struct{} // closed at the end
	void  bool          // the call does not come; guarded by the bucket's mu
}

// Ahead announces a call that is about to take n tokens. If the call would have to wait for the
// store, Ahead starts to take the tokens in the background. If the call does not come after all,
// Ahead(-n) gives them back; otherwise they go back after half a second at most.
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
	switch {
	case b.s.gone():
	case b.has(n):
		b.promise(n)
	case b.refuses(n, time.Now()) || b.turn.running >= maxExchanges:
	default:
		a := &advance{n: n, ended: make(chan struct{})}
		if b.s.start(func(ctx context.Context) { b.advance(ctx, a) }) {
			b.ahead = append(b.ahead, a)
		}
	}
}

// advance takes tokens for an announced call. It needs no lock.
func (b *SharedBucket) advance(ctx context.Context, a *advance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait, err := b.exchange(ctx, b.s.config.Timeout, a.n)
	switch taken := err == nil && wait == 0; {
	case taken && a.void:
		b.enqueue() // to put them back
	case taken:
		b.promise(a.n)
	}
	if i := slices.Index(b.ahead, a); i >= 0 {
		b.ahead = slices.Delete(b.ahead, i, i+1)
	}
	close(a.ended)
}

// promise uses n tokens for an announced call.
func (b *SharedBucket) promise(n int) {
	b.spend(n)
	b.promised += n
}

// redeem reports whether n tokens were promised. A call uses them only once.
func (b *SharedBucket) redeem(n int) bool {
	if n > b.promised {
		return false
	}
	b.promised -= n
	b.late = min(b.late, b.promised)
	return true
}

// claim returns the exchange in progress for an announced call of n tokens; nil for none.
func (b *SharedBucket) claim(n int) (a *advance) {
	i := slices.IndexFunc(b.ahead, func(a *advance) bool { return a.n == n })
	if i < 0 {
		return nil
	}
	a = b.ahead[i]
	b.ahead = slices.Delete(b.ahead, i, i+1)
	return a
}

// revoke gives back n tokens of an announced call that does not come.
func (b *SharedBucket) revoke(n int) {
	if b.giveBack(n) {
		return
	}
	if a := b.claim(n); a != nil {
		a.void = true
	}
}

// giveBack gives back n promised tokens, if there are so many.
func (b *SharedBucket) giveBack(n int) bool {
	if n == 0 || !b.redeem(n) {
		return false
	}
	b.spend(-n)
	return true
}

// Ahead announces a call that is about to reserve n. If the call would have to wait for the
// store, Ahead starts to make the lease large enough in the background.
func (a *SharedAccount) Ahead(n int64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ready(n) {
		return
	}
	a.s.start(func(ctx context.Context) {
		if a.reserve(ctx, n) == nil {
			a.Settle(n, 0)
		}
	})
}

// start runs a request to the store on a goroutine, which ends with the request: at the latest
// with Close. It reports false if s is closed.
func (s *Shared) start(request func(ctx context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open.Err() != nil {
		return false
	}
	s.running.Go(func() { request(s.open) })
	return true
}
