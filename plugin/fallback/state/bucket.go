package state

import (
	"context"
	"sync"
	"time"
)

// SharedBucket is a token bucket that replicas share. While the bucket is known to be at least
// half full, a replica uses a few tokens before it takes them from the store, so that most
// calls do not wait. These are at most 1% of a minute's tokens divided by the number of
// replicas, or the tokens of one call. Tokens that were used but cannot be taken are a debt,
// which later tokens pay first.
//
// While the store is gone, the bucket has this replica's share: the tokens last known to be
// left, and those that each minute adds, divided by the last known number of replicas, less
// the replica's debt.
//
// A nil SharedBucket has no limit.
type SharedBucket struct {
	s   *Shared
	key string

	mu        sync.Mutex // guards the rest
	perMinute int
	debt      int  // tokens used but not yet taken from the store; below 0 for tokens taken but not used
	paying    int  // the part of the debt that exchanges in progress pay
	waiting   int  // tokens for calls that wait for an exchange to end
	taking    int  // the most tokens that exchanges in progress take
	sharing   bool // an exchange in progress takes tokens for waiting calls
	latest    int  // tokens that the latest call wanted
	idle      int  // ticks since that call
	active    bool
	queued    bool

	left   int       // in the store, as last known
	leftAt time.Time // when left was read
	age    int       // ticks since leftAt

	// The number of tokens that the store has refused, and when it may have that many. Before
	// askAgain, the replica does not request that many again.
	refused          int
	refill, askAgain time.Time

	ahead  []*advance // for announced calls that have not come, the oldest first
	turn   turn       // of exchanges with the store
	outage uint64     // the number of the outage for which here was made
	here   gcra       // this replica's share
}

// Bucket returns the bucket of a key. All replicas together may take perMinute tokens a minute:
// the bucket holds at most perMinute tokens and is refilled evenly at that rate. perMinute must
// be above 0. A key has one bucket: a later perMinute replaces an earlier one.
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
	b.enqueue() // to read how many tokens are left
	return b
}

// Take takes n tokens and returns 0, or takes none and returns the time until there may be n
// tokens. n must be from 0 to the bucket's size. If few tokens may be left, Take waits for the
// store, at most Config.Timeout. If ctx ends, it takes none and returns a time above 0.
func (b *SharedBucket) Take(ctx context.Context, n int) (wait time.Duration) {
	if b == nil || n <= 0 {
		return 0
	}
	b.mu.Lock()
	b.use(n)
	ready := b.redeem(n)
	if !ready && !b.s.gone() && b.has(n) {
		b.spend(n)
		ready = true
	}
	b.mu.Unlock()
	if ready {
		return 0
	}
	return b.take(ctx, n)
}

// Ready reports whether Take(n) would return without waiting for the store. n must be from 0 to
// the bucket's size.
func (b *SharedBucket) Ready(n int) bool {
	if b == nil || n <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready(n)
}

// use marks the bucket as in use. It needs mu, as do all methods below unless their comments
// say otherwise.
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

// spend uses n tokens.
func (b *SharedBucket) spend(n int) {
	if b.debt += n; b.debt != 0 { // there are tokens to pay or to put back
		b.enqueue()
	}
}

func (b *SharedBucket) enqueue() {
	if !b.queued {
		b.queued = true
		b.s.errands.add(&b.s.errands.urgent, b)
	}
}

// credit returns how many tokens may be used before they are taken. It is 0 if the bucket is
// not half full, or if the credit of all replicas would be more than half of the tokens left.
func (b *SharedBucket) credit() int {
	replicas := int(b.s.replicas.Load())
	credit := max(b.perMinute/100/replicas, b.latest)
	if b.age > 1 || b.left-b.taking-b.debt < max(b.perMinute/2, 2*replicas*credit) {
		return 0
	}
	return credit
}

// unknown is the age of a bucket that was never read.
const unknown = 2

// maxIdle is the number of ticks without a call for which the bucket is still read: a minute.
const maxIdle = int(time.Minute / tick)

// has reports whether n tokens may be used now.
func (b *SharedBucket) has(n int) bool { return b.owed()+n <= 0 || b.debt+n <= b.credit() }

// owed returns the part of the debt that no exchange in progress pays.
func (b *SharedBucket) owed() int { return b.debt - b.paying }

// spare returns how many of the tokens taken no call needs.
func (b *SharedBucket) spare() int { return max(-b.owed()-b.waiting, 0) }

// refuses reports whether the store has just refused n tokens.
func (b *SharedBucket) refuses(n int, now time.Time) bool {
	return n+b.debt >= b.refused && now.Before(b.askAgain)
}

func (b *SharedBucket) ready(n int) bool {
	return b.find(n, true) != nil || b.has(n) || b.s.gone() || b.refuses(n, time.Now())
}

// maxExchanges bounds the exchanges in progress for calls of a bucket. More would wait for each
// other rather than for the store. Further calls share the next exchange.
const maxExchanges = 16

// take takes n tokens from the store, or from this replica's share if the store is gone. It
// needs no lock.
func (b *SharedBucket) take(ctx context.Context, n int) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(n, false); a != nil { // for this call, or another that was announced
		b.drop(a)
		await(ctx, &b.s.link, &b.mu, a.ended)
		if a.ready {
			return 0
		}
	}
	for waited := false; ; {
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			return tick
		case b.s.gone():
			return b.takeHere(now, n)
		case b.has(n):
			b.spend(n)
			return 0
		case b.refuses(n, now):
			return max(b.refill.Sub(now), time.Millisecond)
		case b.turn.running >= maxExchanges || waited && b.sharing:
			b.waiting += n
			b.turn.wait(ctx, &b.s.link, &b.mu)
			b.waiting -= n
			waited = true
		default:
			switch wait, err := b.exchange(ctx, b.s.config.Timeout, n); {
			case err != nil: // as above
			case wait > 0:
				return wait
			default:
				b.spend(n)
				return 0
			}
		}
	}
}

// exchange takes tokens from the store: n for a call, those that are owed, and, if possible,
// those for waiting calls. If n is 0, it takes as many of these as the store has, or puts back
// tokens that no call needs. It unlocks mu during the exchange.
func (b *SharedBucket) exchange(ctx context.Context, timeout time.Duration, n int) (wait time.Duration, err error) {
	need, pays, shared := n+b.debt, max(b.owed(), 0), 0
	shares := b.waiting > 0 && !b.sharing
	if shares {
		b.sharing, shared = true, b.waiting
	}
	least := min(n+pays, b.perMinute) // tokens beyond the bucket's size become debt
	most := min(n+max(b.owed()+shared, 0), b.perMinute)
	if n == 0 {
		least = 0
		if spare := b.spare(); spare > 0 {
			most = -spare
			b.debt += spare // so that they are not used meanwhile
		}
	}
	takes := max(most, 0)
	b.paying += pays
	b.taking += takes
	there, t := Bucket{b.key, b.perMinute}, Tokens{}
	b.turn.during(&b.mu, func() {
		t, err = ask(ctx, &b.s.link, timeout, func(ctx context.Context) (Tokens, error) { return b.s.store.Take(ctx, there, least, most) })
	})
	b.paying -= pays
	b.taking -= takes
	b.sharing = b.sharing && !shares
	if err == nil {
		b.debt -= t.Taken
		b.left, b.leftAt, b.age = t.Left, time.Now(), 0
	}
	if t.Wait > 0 {
		b.refused, b.refill, b.askAgain = need, time.Now().Add(t.Wait), time.Now().Add(min(t.Wait, tick))
	}
	return t.Wait, err
}

// owe adds to the debt, which is at most a minute's tokens.
func (b *SharedBucket) owe(n int) { b.debt = min(b.debt+n, b.perMinute) }

// Settle takes more tokens, or gives tokens back if more is below 0. It never waits. Tokens
// that the bucket does not have become debt, at most a minute's tokens.
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

// send implements errand: it pays the debt, puts back tokens that no call waits for, or reads
// how many are left.
func (b *SharedBucket) send(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queued = false
	if b.turn.running == 0 || b.owed() > 0 || b.spare() > 0 { // otherwise an exchange in progress reads how many are left
		b.exchange(ctx, b.s.background(), 0)
	}
}

// look is called at each tick. It needs no lock.
func (b *SharedBucket) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle++
	b.age++
	b.expire()
	if b.idle > maxIdle && b.debt == 0 {
		b.active = false
		b.s.retire(b)
		return
	}
	b.enqueue()
}
