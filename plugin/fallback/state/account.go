package state

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Errors of [SharedAccount.Reserve].
var (
	ErrLimit       = errors.New("state: the account's limit is reached")
	ErrUnavailable = errors.New("state: the store is unavailable, and accounts with a limit refuse then")
)

// SharedAccount is a limit of spending that replicas share. A replica leases a small part of
// it in advance, so that most calls do not wait for the store. Near the limit, leases are
// small, and a lease that is unused for a second goes back. The lease of a crashed replica
// returns after Config.Lease.
//
// While the store is gone, a replica may spend its share: its lease, and the last known free
// part of the limit divided by the last known number of replicas. With Config.Deny it may only
// spend its lease, until the lease expires.
//
// A nil SharedAccount has no limit and counts nothing.
type SharedAccount struct {
	s    *Shared
	key  string
	ends time.Time

	mu       sync.Mutex // guards the rest
	limit    int64
	reserved int64 // by attempts in progress
	wanted   int64 // by calls that wait for the store
	spent    int64 // by this replica, in total
	latest   int64 // the amount that the latest call wanted to reserve
	idle     int   // seconds since that call
	queued   bool

	told    int64     // the part of spent that the store knows
	balance Balance   // as last known; Leased is never more than the store has
	known   time.Time // when balance was read; zero if it must be read again
	expires time.Time // when the lease expires
	turn    turn      // of exchanges with the store
}

// Account returns the account of a key. Amounts are in billionths of a dollar. limit is the
// most that all replicas together may spend until the account ends; 0 means no limit, and
// spending is only counted. A key has one account: a later limit replaces an earlier one.
func (s *Shared) Account(key string, limit int64, ends time.Time) *SharedAccount {
	if s == nil {
		return nil
	}
	a, isNew := s.account(s.key("account", key), ends)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limit != limit || isNew {
		a.limit, a.known = limit, time.Time{}
		a.balance.Leased = min(a.balance.Leased, max(limit-a.balance.Spent-a.balance.Others, 0))
		a.enqueue()
	}
	return a
}

// Reserve sets n aside for an attempt that is about to start. If the lease is too small,
// Reserve waits for the store, at most Config.Timeout for each answer. The error is ErrLimit,
// ErrUnavailable, or that of ctx; then nothing is set aside.
func (a *SharedAccount) Reserve(ctx context.Context, n int64) error {
	if a == nil {
		return nil
	}
	n = max(n, 0)
	a.mu.Lock()
	a.idle, a.latest = 0, n
	if a.hold(n, a.free(time.Now())) {
		a.mu.Unlock()
		return nil
	}
	a.mu.Unlock()
	return a.reserve(ctx, n)
}

// Prepare makes the lease large enough for n, if possible, so that Reserve need not wait. It sets
// nothing aside. It may wait as Reserve does.
func (a *SharedAccount) Prepare(ctx context.Context, n int64) {
	if a == nil || n <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle, a.latest = 0, n
	a.wanted += n
	defer func() { a.wanted -= n }()
	for a.limit > 0 && n > a.free(time.Now()) && !a.s.gone() && ctx.Err() == nil {
		switch {
		case n > a.open() && time.Since(a.known) < fresh:
			return // Reserve will refuse it
		case a.turn.done != nil:
			a.turn.wait(ctx, &a.s.link, &a.mu)
		default:
			a.exchange(ctx, a.s.config.Timeout, n)
			return
		}
	}
}

// hold sets n aside if free is enough. It needs mu, as do all methods below unless their
// comments say otherwise.
func (a *SharedAccount) hold(n, free int64) bool {
	if n > free && n > 0 && a.limit > 0 {
		return false
	}
	a.reserved += n
	if a.limit > 0 && free-n < a.block()/2 {
		a.enqueue()
	}
	return true
}

// free returns how much of the lease may be set aside.
func (a *SharedAccount) free(now time.Time) int64 {
	if !now.Before(a.expires) {
		return 0
	}
	return a.balance.Leased - (a.spent - a.told) - a.reserved
}

// open returns the most of the limit that this replica could get: the part that is not spent,
// not leased by other replicas, and not set aside by attempts here.
func (a *SharedAccount) open() int64 {
	return max(a.limit-a.balance.Spent-a.balance.Others-(a.spent-a.told)-a.reserved, 0)
}

// block returns how much to lease in advance, in addition to the amounts that calls wait for:
// enough for some calls, but so little that all replicas together lease at most half of the
// open part.
func (a *SharedAccount) block() int64 {
	replicas := a.s.replicas.Load()
	open := max(a.open()-a.wanted, 0)
	if a.limit == 0 || a.idle > warm || a.idle > 1 && open < a.limit/10 {
		return 0
	}
	return min(max(a.limit/(20*replicas), 4*a.latest), open/(2*replicas))
}

// warm is the number of seconds without a call for which a replica keeps a lease, while there
// is enough for all.
const warm = 60

// fresh is how long an answer of the store may be used to refuse a call.
const fresh = 100 * time.Millisecond

// reserve sets n aside, after an exchange with the store. It needs no lock.
func (a *SharedAccount) reserve(ctx context.Context, n int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wanted += n
	defer func() { a.wanted -= n }()
	for refused := false; ; {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case a.hold(n, a.free(time.Now())):
			return nil
		case a.s.gone():
			return a.reserveHere(n)
		case refused || n > a.open() && time.Since(a.known) < fresh:
			return ErrLimit
		case a.turn.done != nil: // it may bring enough for this call
			a.turn.wait(ctx, &a.s.link, &a.mu)
		default: // repeated if other calls use what it brings
			refused = a.exchange(ctx, a.s.config.Timeout, n)
		}
	}
}

// exchange sends the spending to the store. It makes the lease large enough for the amounts set
// aside and for n, which a call waits for; if possible, also for other waiting calls and the
// next ones. It unlocks mu during the exchange, and reports whether the store has answered with a
// smaller lease than n needs.
func (a *SharedAccount) exchange(ctx context.Context, timeout time.Duration, n int64) (refused bool) {
	now := time.Now()
	c := Change{Replica: a.s.config.Replica, Spent: a.spent, TTL: a.s.config.Lease}
	if a.limit > 0 {
		if n > 0 {
			c.Least = a.reserved + n
		}
		c.Most = a.reserved + a.wanted + a.block()
	}
	there := Account{Key: a.key, Limit: a.limit, Ends: max(a.ends.Sub(now), 0) + lateness}
	// Calls must not use the part that is given back.
	a.balance.Leased = min(a.balance.Leased, c.Most+a.spent-a.told)
	var is Balance
	var err error
	a.turn.during(&a.mu, func() {
		is, err = ask(ctx, &a.s.link, timeout, func(ctx context.Context) (Balance, error) { return a.s.store.Lease(ctx, there, c) })
	})
	if err == nil {
		a.balance, a.told, a.known, a.expires = is, c.Spent, time.Now(), now.Add(c.TTL)
	}
	return err == nil && is.Leased < c.Least
}

// lateness is how long after an account's end it can be charged for earlier attempts.
const lateness = time.Hour

// reserveHere sets n aside from this replica's share, because the store is gone.
func (a *SharedAccount) reserveHere(n int64) error {
	if a.s.config.Deny {
		return ErrUnavailable
	}
	b := &a.balance
	share := b.Leased + max(a.limit-b.Spent-b.Others-b.Leased, 0)/a.s.replicas.Load()
	if n > share-(a.spent-a.told)-a.reserved {
		return ErrLimit
	}
	a.reserved += n
	return nil
}

// Settle charges spent, and releases reserved, which an earlier Reserve has set aside. Either
// may be 0. It never waits.
func (a *SharedAccount) Settle(reserved, spent int64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reserved = max(a.reserved-max(reserved, 0), 0)
	a.spent += max(spent, 0)
}

// Spent returns the last known spending of all replicas. It may lack the other replicas'
// spending of the last two seconds. If this replica has not used or read the account for more
// than a minute, it may lack their spending since then.
func (a *SharedAccount) Spent() int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.allSpent()
}

func (a *SharedAccount) allSpent() int64 {
	if a.idle > warm {
		a.enqueue()
	}
	a.idle = min(a.idle, 2)
	return a.balance.Spent + a.spent - a.told
}

// Reserved returns the amount that attempts of this replica have set aside and not settled.
func (a *SharedAccount) Reserved() int64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reserved
}

// Share returns the part of the limit that all replicas have spent and this replica has set
// aside, from 0 to 1; 0 without a limit.
func (a *SharedAccount) Share() float64 {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limit == 0 {
		return 0
	}
	return min(float64(a.allSpent()+a.reserved)/float64(a.limit), 1)
}

func (a *SharedAccount) enqueue() {
	if !a.queued {
		a.queued = true
		a.s.errands.add(&a.s.errands.rest, a)
	}
}

// send implements errand.
func (a *SharedAccount) send(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queued = false
	if a.turn.done == nil { // otherwise an exchange is in progress
		a.exchange(ctx, a.s.background(), 0)
	}
}

// leave gives back all of the lease. It needs no lock.
func (a *SharedAccount) leave(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reserved, a.idle = 0, warm+1
	if a.turn.done == nil && (a.spent != a.told || a.balance.Leased > 0) {
		a.exchange(ctx, a.s.background(), 0)
	}
}

// look is called each second. It needs no lock.
func (a *SharedAccount) look() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	untold := a.spent != a.told
	if now.Sub(a.ends) > lateness {
		a.s.forget(a)
		return
	}
	a.idle++
	leased := a.balance.Leased > 0
	if untold || a.idle <= warm || leased && (a.reserved == 0 || a.expires.Sub(now) < a.s.config.Lease/2) {
		a.enqueue()
	}
}
