package state

import (
	"context"
	"sync"
	"time"
)

// SharedBucket is a token bucket that replicas share. A replica has a small stock of tokens,
// at most a hundredth of a minute's divided by the replicas or one call's, so that most
// calls do not wait for the store. It has none when the bucket is nearly empty.
//
// While the store is gone, the bucket is this replica's share of it: what was left when it
// was last known and what a minute adds, divided by the replicas last known.
//
// A nil SharedBucket has no limit.
type SharedBucket struct {
	s   *Shared
	key string

	mu        sync.Mutex // guards the rest
	perMinute int
	stock     int // taken from the store, and not used yet
	debt      int // used, and not taken from the store yet
	latest    int // tokens that the latest call wanted
	idle      int // ticks since then
	active    bool
	queued    bool

	left   int       // in the store, as last known
	leftAt time.Time // when that was
	// What the store has refused, and when it may have so many. It is not asked for as
	// many again until askAgain.
	refused          int
	refill, askAgain time.Time

	outage uint64 // the number of the outage that here is for
	here   gcra   // this replica's share
}

// Bucket returns the bucket of a key, which holds at most perMinute tokens and is refilled
// evenly at that rate, by all replicas together. A key has one bucket: a later perMinute
// replaces an earlier one. perMinute must be above 0.
func (s *Shared) Bucket(key string, perMinute int) *SharedBucket {
	if s == nil {
		return nil
	}
	b := s.bucket(s.key("bucket", key))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.perMinute != perMinute {
		b.perMinute, b.left, b.askAgain = perMinute, perMinute, time.Time{}
	}
	b.use(0)
	b.enqueue() // for a first stock
	return b
}

// Take takes n tokens and returns 0, or takes none and returns the time until there may be
// so many; n must be from 0 to the bucket's size. It asks the store, and waits for the
// answer for Config.Timeout at most, if the stock is too small. It returns early with some
// time if ctx ends.
func (b *SharedBucket) Take(ctx context.Context, n int) (wait time.Duration) {
	if b == nil || n <= 0 {
		return 0
	}
	b.mu.Lock()
	b.use(n)
	if b.debt == 0 && b.stock >= n {
		b.stock -= n
		if 2*b.stock < b.target() {
			b.enqueue()
		}
		b.mu.Unlock()
		return 0
	}
	b.mu.Unlock()
	if wait, err := b.takeThere(ctx, n); err == nil {
		return wait
	} else if ctx.Err() != nil {
		return tick
	}
	return b.takeHere(n)
}

// use says that the bucket is in use. As all below that are not said to, it needs mu.
func (b *SharedBucket) use(n int) {
	if n > 0 {
		b.latest = n
	}
	b.idle = 0
	if !b.active {
		b.active = true
		b.s.activate(b)
	}
}

func (b *SharedBucket) enqueue() {
	if !b.queued {
		b.queued = true
		b.s.errands.add(&b.s.errands.rest, b)
	}
}

// target returns how many tokens the stock should have. There is none when the replicas'
// stocks would be a large part of what the bucket has left: one replica alone may need that.
func (b *SharedBucket) target() int {
	replicas := int(b.s.replicas.Load())
	stock := max(b.perMinute/100/replicas, b.latest, 1)
	if b.idle > maxIdle || b.left+b.stock < max(b.perMinute/10, 2*replicas*stock) {
		return 0
	}
	return stock
}

// maxIdle is for how many ticks without a call a stock is kept: a minute.
const maxIdle = int(time.Minute / tick)

// takeThere takes tokens from the store. It needs no lock.
func (b *SharedBucket) takeThere(ctx context.Context, n int) (time.Duration, error) {
	b.mu.Lock()
	now := time.Now()
	need := n + b.debt - b.stock
	if need >= b.refused && now.Before(b.askAgain) {
		defer b.mu.Unlock()
		return max(b.refill.Sub(now), time.Millisecond), nil
	}
	// They are this call's, until the answer is there.
	stock, debt := b.stock, b.debt
	b.stock, b.debt = 0, 0
	there := Bucket{b.key, b.perMinute}
	b.mu.Unlock()

	least := min(need, there.PerMinute)
	t, err := ask(ctx, &b.s.link, b.s.config.Timeout, func(ctx context.Context) (Tokens, error) {
		return b.s.store.Take(ctx, there, least, least)
	})

	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || t.Wait > 0 {
		b.add(stock - debt)
	} else {
		b.add(least - need) // what the bucket cannot hold at once is owed
	}
	if err == nil {
		b.know(t.Left)
	}
	if t.Wait > 0 {
		now := time.Now()
		b.refused, b.refill, b.askAgain = need, now.Add(t.Wait), now.Add(min(t.Wait, tick))
	}
	return t.Wait, err
}

// know takes in how many tokens the store has left.
func (b *SharedBucket) know(left int) {
	b.left, b.leftAt = left, time.Now()
	if target := b.target(); 2*b.stock < target || b.stock > 2*target {
		b.enqueue()
	}
}

// add adds tokens to what this replica has, or takes them if n is below 0. What it does not
// have is owed.
func (b *SharedBucket) add(n int) {
	n += b.stock - b.debt
	b.stock, b.debt = min(max(n, 0), b.perMinute), min(max(-n, 0), b.perMinute)
}

// takeHere takes tokens from this replica's share. They are owed to the store. It needs no
// lock.
func (b *SharedBucket) takeHere(n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	size, perMinute := b.share(now)
	if wait := b.here.wait(now, size, perMinute, min(n, int(size))); wait > 0 {
		return wait
	}
	b.here.take(now, perMinute, float64(n))
	b.add(-n)
	return 0
}

// share returns the size and the rate of this replica's share of the bucket.
func (b *SharedBucket) share(now time.Time) (size, perMinute float64) {
	replicas := float64(b.s.replicas.Load())
	perMinute = float64(b.perMinute) / replicas
	size = max(perMinute, 1)
	if outage := b.s.link.outage.Load(); b.outage != outage {
		held := (float64(b.left) + now.Sub(b.leftAt).Minutes()*float64(b.perMinute)) / replicas
		b.outage, b.here = outage, gcra{}
		b.here.take(now, perMinute, max(size-held, 0))
	}
	return size, perMinute
}

// Settle takes more tokens, or gives some back if more is below 0. It never waits. Tokens
// that the bucket does not have are owed: later tokens pay for them first. At most a
// minute's tokens are owed.
func (b *SharedBucket) Settle(more int) {
	if b == nil || more == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.s.gone() {
		now := time.Now()
		_, perMinute := b.share(now)
		b.here.take(now, perMinute, float64(more))
	}
	b.add(-more)
	if more < 0 {
		b.askAgain = time.Time{}
	}
	if b.debt > 0 || b.stock > b.target() {
		b.enqueue()
	}
}

// send implements errand: it pays what is owed, and brings the stock to its target.
func (b *SharedBucket) send(ctx context.Context) {
	b.mu.Lock()
	b.queued = false
	want := b.debt + b.target() - b.stock
	if want < 0 {
		b.add(want) // so that they are not used meanwhile
	}
	there := Bucket{b.key, b.perMinute}
	b.mu.Unlock()
	t, err := ask(ctx, &b.s.link, b.s.background(), func(ctx context.Context) (Tokens, error) {
		return b.s.store.Take(ctx, there, 0, want)
	})
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.add(t.Taken)
		b.know(t.Left)
	}
}

// look is called at each tick. It needs no lock.
func (b *SharedBucket) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle++
	if b.idle > maxIdle && b.stock == 0 && b.debt == 0 {
		b.active = false
		b.s.retire(b)
		return
	}
	if b.debt > 0 || b.stock > 0 || time.Since(b.leftAt) > tick {
		b.enqueue()
	}
}
