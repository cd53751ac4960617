// Package ledger counts what tenants spend in a day, with what attempts under way have
// reserved.
package ledger

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
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
	accounts map[string]*Account // guarded by mu; today's, by tenant
}

// Account is what one tenant has spent on one day.
type Account struct {
	Tenant   string
	limit    Nano // the rest is guarded by Ledger.mu
	spent    Nano
	reserved Nano // by attempts under way
	warned   bool
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
	return l.today(tenant).spent
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
	return min(float64(a.spent+a.reserved)/float64(a.limit), 1)
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
		entry := Entry{Tenant: tenant, Spent: a.spent, Reserved: a.reserved, Limit: a.limit}
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
	Unknown bool      // the tenant has a limit, and the price is not known
	Limit   Nano      // of the day
	Until   time.Time // when the day ends
}

// Reserve sets amount aside for tenant, unless that would exceed its limit. It returns
// the account to settle: an attempt belongs to the day it started on.
func (l *Ledger) Reserve(tenant string, amount Nano, known bool) (*Account, *Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.today(tenant)
	switch {
	case a.limit == unlimited:
	case !known:
		return nil, &Refusal{Unknown: true}
	case amount > 0 && amount > a.limit-a.spent-a.reserved:
		return nil, &Refusal{Limit: a.limit, Until: l.tomorrow}
	}
	a.reserved += amount
	return a, nil
}

// Settle charges cost in the place of what was reserved. It reports, once for each
// account, that the share warnAt of its limit has been spent.
func (l *Ledger) Settle(a *Account, reserved, cost Nano, warnAt float64) (warn bool, spent, limit Nano) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.reserved -= reserved
	a.spent += cost
	warn = !a.warned && a.limit != unlimited && float64(a.spent) >= warnAt*float64(a.limit)
	a.warned = a.warned || warn
	return warn, a.spent, a.limit
}

// today returns the account of tenant. As all below, it needs mu.
func (l *Ledger) today(tenant string) *Account {
	l.roll()
	a := l.accounts[tenant]
	if a == nil {
		a = &Account{Tenant: tenant, limit: l.limitOf(tenant)}
		l.accounts[tenant] = a
	}
	return a
}

// roll opens new accounts if the day of the present ones is over.
func (l *Ledger) roll() {
	if !time.Now().Before(l.tomorrow) {
		l.tomorrow, l.accounts = l.midnight(), make(map[string]*Account)
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
