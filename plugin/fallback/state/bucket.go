package state

import (
	"context"
	"math"
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
	debt      int // tokens used but not yet taken from the store; below 0 for tokens taken but not used
	sent      int // the part of the debt that exchanges in progress settle; not in debt meanwhile
	wanted    int // by calls that wait for the store
	asked     int // the part of wanted that exchanges in progress ask for
	idle      int // ticks since the latest call
	active    bool
	queued    bool

	left   int       // in the store, as last known
	leftAt time.Time // when left was read
	age    int       // ticks since leftAt

	// The number of tokens that the store has refused, and when it may have so many. The
	// replica does not request as many before askAgain.
	refused          int
	refill, askAgain time.Time

	turn   turn   // of exchanges with the store
	back   bool   // tokens are being put back
	outage uint64 // the number of the outage for which here was made
	here   gcra   // this replica's share
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
	b.use()
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
	b.use()
	if !b.s.gone() && b.owed()+n <= b.credit(n) {
		b.spend(n)
		b.mu.Unlock()
		return 0
	}
	b.mu.Unlock()
	return b.take(ctx, n)
}

// Ready reports whether Take(n) would return without waiting for the store.
func (b *SharedBucket) Ready(n int) bool {
	if b == nil || n <= 0 || b.s.gone() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.owed()+n <= b.credit(n)
}

// use marks the bucket as in use. It needs mu, as do all methods below unless their comments
// say otherwise.
func (b *SharedBucket) use() {
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

// owed returns all tokens used and not known to be taken.
func (b *SharedBucket) owed() int { return b.debt + b.sent }

// credit returns how many tokens a call of n may use before they are taken. It is 0 if the
// bucket is not half full, or if the credit of all replicas would be more than half of the
// tokens left.
func (b *SharedBucket) credit(n int) int {
	replicas := int(b.s.replicas.Load())
	credit := max(b.perMinute/100/replicas, n)
	if b.age > 1 || b.left-b.owed() < max(b.perMinute/2, 2*replicas*credit) {
		return 0
	}
	return credit
}

// unknown is the age of a bucket that was never read, or not for a while.
const unknown = 2

// maxIdle is the number of ticks without a call for which the bucket is still read: a minute.
const maxIdle = int(time.Minute / tick)

// maxExchanges bounds the exchanges of a bucket at once. Further calls share the next one.
const maxExchanges = 8

// take takes tokens from the store, including those of the debt. It needs no lock.
func (b *SharedBucket) take(ctx context.Context, n int) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wanted += n
	defer func() { b.wanted -= n }()
	for {
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			return tick
		case b.s.gone():
			return b.takeHere(now, n)
		case b.debt+n <= 0: // another call has taken them too
			b.spend(n)
			return 0
		case n+b.debt >= b.refused && now.Before(b.askAgain):
			return b.refill.Sub(now)
		case b.back, b.turn.n >= maxExchanges, b.asked >= b.wanted:
			b.turn.wait(ctx, &b.s.link, &b.mu)
		default:
			need := n + b.debt
			least := min(max(need, 0), b.perMinute) // tokens beyond the bucket's size become debt
			ask := max(b.wanted-b.asked, n)
			most := min(max(ask+b.debt, least), b.perMinute)
			b.asked += ask
			// The store takes the tokens even if the call ends meanwhile.
			wait, err := b.exchange(context.WithoutCancel(ctx), b.s.config.Timeout, least, most)
			b.asked -= ask
			switch {
			case err != nil: // as above
			case ctx.Err() != nil: // look puts back what was taken
				return tick
			case wait > 0:
				now := time.Now() // one, so that askAgain is never after refill
				b.refused, b.refill, b.askAgain = need, now.Add(wait), now.Add(min(wait, tick))
				return wait
			default:
				b.spend(n)
				return 0
			}
		}
	}
}

// exchange takes tokens from the store, or puts them back if most is below 0. It unlocks mu
// during the exchange.
func (b *SharedBucket) exchange(ctx context.Context, timeout time.Duration, least, most int) (wait time.Duration, err error) {
	there := Bucket{b.key, b.perMinute}
	if most < 0 {
		b.debt -= most // so that they are not used meanwhile
	}
	sent := b.debt         // so that no other exchange settles it too
	unpaid := max(sent, 0) // below 0 are tokens for the call that waits: no other may use them
	b.debt, b.sent = 0, b.sent+unpaid
	var t Tokens
	b.turn.during(&b.mu, func() {
		t, err = ask(ctx, &b.s.link, timeout, func(ctx context.Context) (Tokens, error) { return b.s.store.Take(ctx, there, least, most) })
	})
	b.sent -= unpaid
	b.owe(sent - t.Taken)
	if err == nil {
		b.left, b.leftAt, b.age = t.Left, time.Now(), 0
	}
	return t.Wait, err
}

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

// owe adds to the debt, which is at most a minute's tokens.
func (b *SharedBucket) owe(n int) { b.debt = min(b.debt+n, b.perMinute) }

// share returns the size and the rate of this replica's share of the bucket.
func (b *SharedBucket) share(now time.Time) (size, perMinute float64) {
	replicas := float64(b.s.replicas.Load())
	perMinute = float64(b.perMinute) / replicas
	size = max(perMinute, 1)
	if outage := b.s.link.outage.Load(); b.outage != outage {
		held := (float64(b.left)+now.Sub(b.leftAt).Minutes()*float64(b.perMinute))/replicas - float64(b.owed())
		b.outage, b.here = outage, gcra{}
		b.here.take(now, perMinute, size-held)
	}
	return size, perMinute
}

// Settle takes more tokens, or gives tokens back if more is below 0. It never waits. Tokens
// that the bucket does not have become debt, at most a minute's tokens. For up to a quarter of a
// second, this replica's next calls use tokens given back. Then these return to the store.
func (b *SharedBucket) Settle(more int) {
	if b == nil || more == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.use() // look must send what the call leaves, however long it took
	if b.s.gone() {
		now := time.Now()
		size, perMinute := b.share(now)
		most := b.here.tokens(now, size, perMinute) + float64(b.perMinute) // as owe
		b.here.take(now, perMinute, min(float64(more), most))
	}
	b.owe(more)
	if more > 0 {
		b.enqueue()
	} else {
		b.askAgain = time.Time{} // look sends it
	}
}

// send implements errand: it pays the debt, puts back tokens that no call waits for, or reads
// how many are left. A call does not wait for send, except while tokens are put back: it may need
// them.
func (b *SharedBucket) send(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queued = false
	if b.wanted > 0 { // the call that waits does it
		return
	}
	b.back = b.debt < 0
	b.exchange(ctx, b.s.background(), 0, min(b.debt, b.perMinute))
	b.back = false
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

// look is called at each tick. It needs no lock.
func (b *SharedBucket) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle++
	b.age++
	if b.idle > maxIdle && b.owed() == 0 {
		b.active, b.age = false, unknown
		b.s.retire(b)
		return
	}
	b.enqueue()
}
