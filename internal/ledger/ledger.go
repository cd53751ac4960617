// Package ledger counts what tenants spend in a day, with what attempts under way have
// reserved.
package ledger

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Nano is an amount in billionths of a dollar: the smallest price in use, that of one
// cached token of a small model, is some ten of them.
type Nano int64

const (
	dollar    Nano = 1e9
	unlimited Nano = math.MaxInt64
	// What one attempt may cost: more is a mistake, and a few would overflow.
	maxDollars = 1e6
)

// ToNano returns dollars as Nano; ok is false if they are no amount: below 0, not a
// number, or above a million.
func ToNano(dollars float64) (amount Nano, ok bool) {
	if !(dollars >= 0 && dollars <= maxDollars) {
		return 0, false
	}
	return Nano(math.Round(dollars * float64(dollar))), true
}

// Dollars returns n as US dollars.
func (n Nano) Dollars() float64 { return float64(n) / float64(dollar) }

// Ledger has an account for each tenant and day. It is safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	limit    float64             // guarded by mu; in dollars, 0 for none
	limits   map[string]float64  // guarded by mu; of single tenants
	location *time.Location      // guarded by mu; where days begin
	tomorrow time.Time           // guarded by mu; when accounts ends
	accounts map[string]*account // guarded by mu; today's, by tenant
	state    *state.Shared       // guarded by mu; nil if the accounts are not shared
}

// account is what one tenant has spent on one day. All but tenant is guarded by Ledger.mu.
type account struct {
	tenant   string
	limit    Nano
	spent    Nano // by this process
	reserved Nano // by attempts under way of this process
	warned   bool

	shared *state.SharedAccount // nil if it is not shared
	key    string               // of shared
	ends   time.Time            // when shared is forgotten
}

// used returns the spending and the reservations of the day. Those of other replicas are
// as last known.
func (a *account) used() (spent, reserved Nano) {
	if a.shared != nil {
		return Nano(a.shared.Spent()), Nano(a.shared.Reserved())
	}
	return a.spent, a.reserved
}

// New returns a ledger of which nothing is spent. Limits are in dollars a day; 0 and
// infinity are none. A nil location means UTC.
func New(limit float64, limits map[string]float64, location *time.Location) *Ledger {
	return &Ledger{limit: limit, limits: maps.Clone(limits), location: cmp.Or(location, time.UTC)}
}

// SetLimits replaces the limits, for what has been spent today too.
func (l *Ledger) SetLimits(limit float64, limits map[string]float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit, l.limits = limit, maps.Clone(limits)
	for tenant, a := range l.accounts {
		a.limit = l.limitOf(tenant)
		l.share(a)
	}
}

// SetLocation replaces where days begin; nil means UTC. Today ends at the next
// midnight there.
func (l *Ledger) SetLocation(location *time.Location) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.roll()
	l.location = cmp.Or(location, time.UTC)
	l.tomorrow = l.midnight()
}

// Spent returns what tenant has been charged today.
func (l *Ledger) Spent(tenant string) Nano {
	l.mu.Lock()
	defer l.mu.Unlock()
	spent, _ := l.today(tenant).used()
	return spent
}

// Share returns which share of its limit tenant has spent or reserved today, in
// [0, 1]; 0 without a limit.
func (l *Ledger) Share(tenant string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.today(tenant)
	if a.limit == unlimited {
		return 0
	}
	spent, reserved := a.used()
	return min(float64(spent+reserved)/float64(a.limit), 1)
}

// Entry is what a tenant has spent today.
type Entry struct {
	Tenant                 string
	Spent, Reserved, Limit Nano // Limit is 0 for none
}

// Accounts returns today's accounts: those that have used the largest share of their limit
// first, then those that have spent the most.
func (l *Ledger) Accounts() []Entry {
	l.mu.Lock()
	l.roll()
	entries := make([]Entry, 0, len(l.accounts))
	for tenant, a := range l.accounts {
		entry := Entry{Tenant: tenant, Limit: a.limit}
		entry.Spent, entry.Reserved = a.used()
		if a.limit == unlimited {
			entry.Limit = 0
		}
		entries = append(entries, entry)
	}
	l.mu.Unlock()
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.share(), a.share()), cmp.Compare(b.Spent, a.Spent), strings.Compare(a.Tenant, b.Tenant))
	})
	return entries
}

// share returns the share of its limit that a tenant has spent or reserved.
func (e Entry) share() float64 {
	if e.Limit == 0 {
		return 0
	}
	return float64(e.Spent+e.Reserved) / float64(e.Limit)
}

// Refusal is why a reservation was not made.
type Refusal struct {
	Unknown     bool      // the tenant has a limit, and the price is not known
	Unavailable bool      // what others have spent is not known
	Limit       Nano      // of the day
	Until       time.Time // when the day ends
}

// Reservation is an amount that is set aside for an attempt.
type Reservation struct {
	account *account
	amount  Nano
	shared  *state.SharedAccount // that of account when the reservation was made
}

// Settled returns r after Settle, for what else the attempt costs.
func (r Reservation) Settled() Reservation {
	r.amount = 0
	return r
}

// Reserve sets amount aside for tenant, unless that would exceed its limit. The attempt
// belongs to the day it started on. If the limit is shared, Reserve may wait; the error is
// that of ctx.
func (l *Ledger) Reserve(ctx context.Context, tenant string, amount Nano, known bool) (r Reservation, refused *Refusal, err error) {
	l.mu.Lock()
	a := l.today(tenant)
	limit, tomorrow := a.limit, l.tomorrow
	r = Reservation{a, amount, a.shared}
	switch {
	case limit == unlimited:
	case !known:
		refused = &Refusal{Unknown: true}
	case a.shared == nil && amount > 0 && amount > limit-a.spent-a.reserved:
		refused = &Refusal{Limit: limit, Until: tomorrow}
	}
	if refused == nil {
		a.reserved += amount
	}
	l.mu.Unlock()
	if refused != nil || amount == 0 {
		return r, refused, nil
	}
	switch err = r.shared.Reserve(ctx, int64(amount)); {
	case err == nil:
		return r, nil, nil
	case errors.Is(err, state.ErrLimit):
		refused, err = &Refusal{Limit: limit, Until: tomorrow}, nil
	case ctx.Err() == nil: // state.ErrUnavailable
		refused, err = &Refusal{Unavailable: true}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.reserved -= amount
	return Reservation{}, refused, err
}

// Prepare gets what a Reserve of the same amount would wait for. It reserves nothing, and may
// wait as Reserve does.
func (l *Ledger) Prepare(ctx context.Context, tenant string, amount Nano) {
	l.mu.Lock()
	shared := l.today(tenant).shared
	l.mu.Unlock()
	shared.Prepare(ctx, int64(amount))
}

// Settle charges cost in the place of what was reserved. It reports, once for each account,
// that the share warnAt of its limit has been spent.
func (l *Ledger) Settle(r Reservation, cost Nano, warnAt float64) (w Warning, warn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := r.account
	a.reserved -= r.amount
	a.spent += cost
	if r.shared == a.shared {
		a.shared.Settle(int64(r.amount), int64(cost))
	} else { // see SetState
		r.shared.Settle(int64(r.amount), 0)
		a.shared.Settle(0, int64(cost))
	}
	spent, _ := a.used()
	warn = !a.warned && a.limit != unlimited && float64(spent) >= warnAt*float64(a.limit)
	a.warned = a.warned || warn
	return Warning{a.tenant, spent, a.limit}, warn
}

// Warning is a tenant that has spent much of its limit.
type Warning struct {
	Tenant       string
	Spent, Limit Nano
}

// today returns the account of tenant. As all below, it needs mu.
func (l *Ledger) today(tenant string) *account {
	l.roll()
	a := l.accounts[tenant]
	if a == nil {
		a = &account{tenant: tenant, limit: l.limitOf(tenant)}
		l.share(a)
		l.accounts[tenant] = a
	}
	return a
}

// roll opens new accounts if the day of the present ones is over.
func (l *Ledger) roll() {
	if !time.Now().Before(l.tomorrow) {
		l.tomorrow, l.accounts = l.midnight(), make(map[string]*account)
	}
}

// midnight returns when the day ends, which is after now.
func (l *Ledger) midnight() time.Time {
	now := time.Now().In(l.location)
	year, month, day := now.Date()
	next := time.Date(year, month, day+1, 0, 0, 0, 0, l.location)
	// Where clocks change at midnight there may be none, or two: Date may then
	// return a time of today, or one that is over. Clocks change on a full minute.
	for next.Day() == day || !next.After(now) {
		next = next.Add(time.Minute)
	}
	return next
}

func (l *Ledger) limitOf(tenant string) Nano {
	dollars, ok := l.limits[tenant]
	if !ok {
		dollars = l.limit
	}
	if dollars == 0 || dollars >= unlimited.Dollars() {
		return unlimited
	}
	return max(Nano(math.Round(dollars*float64(dollar))), 1)
}
