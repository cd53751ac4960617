package state

import (
	"math"
	"time"
)

// The methods in this file are for the time in which the store is gone, and right after it.

// takeHere takes tokens from this replica's share. They become debt to the store.
func (b *SharedBucket) takeHere(now time.Time, n int) time.Duration {
	size, perMinute := b.share(now)
	if wait := b.here.wait(now, size, perMinute, min(n, int(size))); wait > 0 {
		return wait
	}
	b.here.take(now, perMinute, float64(n))
	b.owe(n)
	return 0
}

// share returns the size and the rate of this replica's share of the bucket.
func (b *SharedBucket) share(now time.Time) (size, perMinute float64) {
	replicas := float64(b.s.replicas.Load())
	perMinute = float64(b.perMinute) / replicas
	size = max(perMinute, 1)
	if outage := b.s.link.outage.Load(); b.outage != outage {
		held := (float64(b.left)+now.Sub(b.leftAt).Minutes()*float64(b.perMinute))/replicas - float64(b.debt)
		b.outage, b.here = outage, gcra{}
		b.here.take(now, perMinute, max(size-held, 0))
	}
	return size, perMinute
}

// resend is called after an outage. If the bucket became full during the outage, it lost the
// tokens added after that. So the debt is reduced to the tokens that this replica's share
// lacks. It needs no lock.
func (b *SharedBucket) resend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.debt > 0 {
		size, perMinute := b.share(now)
		b.debt = min(b.debt, int(math.Ceil(size-b.here.tokens(now, size, perMinute))))
	}
	b.enqueue()
}
