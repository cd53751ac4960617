package state

import (
	"context"
	"math"
	"sync"
	"time"
)

// SharedBucket is a token bucket that replicas share. While the bucket is known to be half
// full at least, a replica uses a few tokens before it takes them from the store, so that most calls
// do not wait: at most a hundredth of a minute's tokens divided by the replicas, or one
// call's. What is used and cannot be taken is owed: later tokens pay for it first.
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
	debt      int // used, and not taken from the store yet; below 0 to put back
	paying    int // of what was used, what is being taken now
	latest    int // tokens that the latest call wanted
	idle      int // ticks since then
	active    bool
	queued    bool

	left   int       // in the store, as last known
	leftAt time.Time // when that was
	age    int       // ticks since then

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
		b.perMinute, b.left, b.leftAt, b.age, b.askAgain = perMinute, perMinute, time.Now(), unknown, time.Time{}
	}
	b.use(0)
	b.enqueue() // to ask what is left
	return b
}

// Take takes n tokens and returns 0, or takes none and returns the time until there may be
// so many; n must be from 0 to the bucket's size. If few may be left, it asks the store, and
// waits for the answer for Config.Timeout at most. It returns early with some time if ctx
// ends.
func (b *SharedBucket) Take(ctx context.Context, n int) (wait time.Duration) {
	if b == nil || n <= 0 {
		return 0
	}
	b.mu.Lock()
	b.use(n)
	if !b.s.gone() && b.debt+b.paying+n <= b.credit() {
		b.debt += n
		b.enqueue()
		b.mu.Unlock()
		return 0
	}
	b.mu.Unlock()
	if wait, err := b.takeThere(ctx, n); err == nil {
		return wait
	}
	if ctx.Err() != nil {
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

// credit returns how many tokens may be used before they are taken: none if the bucket is not
// half full, or if all replicas' credit was half of what is left.
func (b *SharedBucket) credit() int {
	replicas := int(b.s.replicas.Load())
	credit := max(b.perMinute/100/replicas, b.latest)
	if b.age > 1 || b.left-b.debt-b.paying < max(b.perMinute/2, 2*replicas*credit) {
		return 0
	}
	return credit
}

// unknown is the age of what was never known.
const unknown = 2

// maxIdle is for how many ticks without a call it is asked what is left: a minute.
const maxIdle = int(time.Minute / tick)

// takeThere takes tokens from the store, together with what is owed. It needs no lock.
func (b *SharedBucket) takeThere(ctx context.Context, n int) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if need := n + b.debt; need >= b.refused && now.Before(b.askAgain) {
		return max(b.refill.Sub(now), time.Millisecond), nil
	}
	debt := b.debt
	need := n + debt
	b.debt = 0
	least := min(max(need, 0), b.perMinute) // what the bucket cannot hold at once is owed
	t, err := b.ask(ctx, b.s.config.Timeout, least, least, max(debt, 0))
	if err != nil || t.Wait > 0 {
		b.debt += debt
	} else {
		b.debt += need - t.Taken
	}
	if t.Wait > 0 {
		now := time.Now()
		b.refused, b.refill, b.askAgain = need, now.Add(t.Wait), now.Add(min(t.Wait, tick))
	}
	return t.Wait, err
}

// ask takes tokens from the store, which pay for some that were used. It lets go of mu
// meanwhile.
func (b *SharedBucket) ask(ctx context.Context, timeout time.Duration, least, most, paying int) (Tokens, error) {
	there := Bucket{b.key, b.perMinute}
	b.paying += paying
	b.mu.Unlock()
	t, err := ask(ctx, &b.s.link, timeout, func(ctx context.Context) (Tokens, error) { return b.s.store.Take(ctx, there, least, most) })
	b.mu.Lock()
	b.paying -= paying
	if err == nil {
		b.left, b.leftAt, b.age = t.Left, time.Now(), 0
	}
	return t, err
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
	b.owe(n)
	return 0
}

// owe adds to the debt. At most a minute's tokens are owed.
func (b *SharedBucket) owe(n int) { b.debt = min(b.debt+n, b.perMinute) }

// share returns the size and the rate of this replica's share of the bucket.
func (b *SharedBucket) share(now time.Time) (size, perMinute float64) {
	replicas := float64(b.s.replicas.Load())
	perMinute = float64(b.perMinute) / replicas
	size = max(perMinute, 1)
	if outage := b.s.link.outage.Load(); b.outage != outage {
		held := (float64(b.left-b.debt) + now.Sub(b.leftAt).Minutes()*float64(b.perMinute)) / replicas
		b.outage, b.here = outage, gcra{}
		b.here.take(now, perMinute, max(size-held, 0))
	}
	return size, perMinute
}

// Settle takes more tokens, or gives some back if more is below 0. It never waits. Tokens
// that the bucket does not have are owed; at most a minute's.
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
	b.owe(more)
	if more < 0 {
		b.askAgain = time.Time{}
	}
	b.enqueue()
}

// send implements errand: it pays what is owed, or asks what is left.
func (b *SharedBucket) send(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queued = false
	debt := b.debt
	b.debt = 0
	t, err := b.ask(ctx, b.s.background(), 0, debt, max(debt, 0))
	switch {
	case debt < 0: // they are there, or lost
	case err != nil:
		b.owe(debt)
	default:
		b.owe(debt - t.Taken)
	}
}

// resend is called after an outage. The bucket may have become full meanwhile, and then did
// not get what a minute added: so no more is owed than this replica's share lacks. It needs no
// lock.
func (b *SharedBucket) resend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.debt > 0 {
		size, perMinute := b.share(now)
		b.debt = min(b.debt, int(math.Ceil(size-b.here.tokens(now, size, perMinute))))
	}
	b.enqueue()
}

// look is called at each tick. It needs no lock.
func (b *SharedBucket) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle++
	b.age++
	if b.idle > maxIdle && b.debt == 0 {
		b.active = false
		b.s.retire(b)
		return
	}
	b.enqueue()
}
