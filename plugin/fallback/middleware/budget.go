package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// DefaultWarnAt is the share of a limit at which BudgetConfig.Warn is called.
const DefaultWarnAt = 0.8

// BudgetConfig says how much may be spent, and what attempts cost. All amounts
// are US dollars. Price is required; everything else may be zero.
type BudgetConfig struct {
	// Limit is what each tenant (call.Info.Tenant; calls without one are one
	// tenant) may spend in a day. 0 means that spending is counted only.
	Limit float64
	// Limits are those of single tenants, in the place of Limit. They are above
	// 0; math.Inf(1) means that spending is counted only.
	Limits map[string]float64
	// Location is where days begin. Nil means UTC.
	Location *time.Location

	// Price returns what an attempt at the named model will cost, from the
	// request alone: a limit holds as far as it does not guess too low. ok is
	// false if the model's price is not known; then a tenant with a limit is
	// refused, because what has no price is not free. It must not change req, and
	// must be safe for concurrent use, as Cost and Warn must.
	Price func(modelName string, req *model.LLMRequest) (projected float64, ok bool)
	// Cost returns what an attempt has cost, from what the provider counted. Nil
	// means what Price returned for it.
	Cost func(modelName string, usage *genai.GenerateContentResponseUsageMetadata) float64

	// Warn is told, once for each tenant and day, that the share WarnAt of the
	// limit has been spent, on the goroutine of the call that spent it. Nil means
	// that nobody is told.
	Warn func(tenant string, spent, limit float64)
	// WarnAt is in (0, 1]; 0 means DefaultWarnAt.
	WarnAt float64

	// The functions must be safe for concurrent use. One that panics, or returns
	// what is no amount (below 0, not a number, above a million), is taken for
	// one that does not know, and that is logged. Those of a Tariff are too.
}

// Budget bounds what tenants spend in a day. It reserves what an attempt will
// cost before it starts and charges what it did cost when it has ended, so that
// calls at the same time cannot exceed a limit by more than Price was too low
// for them. A call that has no place in the limit is refused with a
// *RefusedError, a verdict to fall back: a model that is free may serve.
//
// It counts attempts: retries, fallbacks and both sides of a hedge. What has
// been spent is in memory: it starts at zero with the process. A Budget is safe
// for concurrent use and made to stand around every model of an application.
type Budget struct {
	config BudgetConfig // but for the limits read-only

	mu       sync.Mutex          // also guards config.Limit, config.Limits and config.Location
	tomorrow time.Time           // guarded by mu; when accounts ends
	accounts map[string]*account // guarded by mu; today's, by tenant
}

// account is what one tenant has spent on one day. Its fields are guarded by
// Budget.mu.
type account struct {
	tenant   string
	limit    nano
	spent    nano
	reserved nano // by attempts under way
	warned   bool
}

// nano is an amount in billionths of a dollar: the smallest price in use, that
// of one cached token of a small model, is some ten of them.
type nano int64

const (
	dollar    nano = 1e9
	unlimited nano = math.MaxInt64
	// What one attempt may cost: more is a mistake, and a few would overflow.
	maxDollars = 1e6
)

// toNano returns dollars as nano if they are an amount.
func toNano(dollars float64) (amount nano, ok bool) {
	if !(dollars >= 0 && dollars <= maxDollars) {
		return 0, false
	}
	return nano(math.Round(dollars * float64(dollar))), true
}

func (n nano) dollars() float64 { return float64(n) / float64(dollar) }

// NewBudget returns a budget of which nothing is spent. The error names every
// wrong field.
func NewBudget(config BudgetConfig) (*Budget, error) {
	var problems []error
	if config.Price == nil {
		problems = append(problems, errors.New("middleware: BudgetConfig.Price: is nil; allowed: a function"))
	}
	problems = append(problems, checkLimits(config.Limit, config.Limits)...)
	if !(config.WarnAt >= 0 && config.WarnAt <= 1) {
		problems = append(problems, fmt.Errorf("middleware: BudgetConfig.WarnAt: %v is out of range; allowed: 0 for %v, or above 0 up to 1", config.WarnAt, DefaultWarnAt))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	orDefault(&config.WarnAt, DefaultWarnAt)
	config.Limits = maps.Clone(config.Limits)
	config.Location = cmp.Or(config.Location, time.UTC)
	return &Budget{config: config}, nil
}

func checkLimits(limit float64, limits map[string]float64) (problems []error) {
	if !(limit >= 0) {
		problems = append(problems, fmt.Errorf("middleware: BudgetConfig.Limit: %v is out of range; allowed: 0 for no limit, or more", limit))
	}
	for _, tenant := range slices.Sorted(maps.Keys(limits)) {
		if limit := limits[tenant]; !(limit > 0) {
			problems = append(problems, fmt.Errorf("middleware: BudgetConfig.Limits[%q]: %v is out of range; allowed: above 0, or math.Inf(1) for no limit", tenant, limit))
		}
	}
	return problems
}

// MustBudget is NewBudget for a configuration that is known to be right.
func MustBudget(config BudgetConfig) *Budget {
	b, err := NewBudget(config)
	if err != nil {
		panic(err)
	}
	return b
}

// SetLimits replaces BudgetConfig.Limit and Limits, from now on and for what has
// been spent today too. The error names every wrong one; then nothing changes.
func (b *Budget) SetLimits(limit float64, limits map[string]float64) error {
	if err := errors.Join(checkLimits(limit, limits)...); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.config.Limit, b.config.Limits = limit, maps.Clone(limits)
	for tenant, a := range b.accounts {
		a.limit = b.limit(tenant)
	}
	return nil
}

// SetLocation replaces BudgetConfig.Location; nil means UTC. What has been spent
// today stands until the next midnight there.
func (b *Budget) SetLocation(location *time.Location) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll()
	b.config.Location = cmp.Or(location, time.UTC)
	b.tomorrow = b.midnight()
}

// Spent returns what tenant has been charged today, in US dollars. What is
// reserved by attempts under way is not in it.
func (b *Budget) Spent(tenant string) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.today(tenant).spent.dollars()
}

// Share returns which share of its limit tenant has spent or reserved today, in
// [0, 1]. It is 0 for a tenant without a limit.
func (b *Budget) Share(tenant string) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.today(tenant)
	if a.limit == unlimited {
		return 0
	}
	return min(float64(a.spent+a.reserved)/float64(a.limit), 1)
}

// today returns the account of tenant. The caller holds mu.
func (b *Budget) today(tenant string) *account {
	b.roll()
	a := b.accounts[tenant]
	if a == nil {
		a = &account{tenant: tenant, limit: b.limit(tenant)}
		b.accounts[tenant] = a
	}
	return a
}

// roll opens new accounts if the day of the present ones is over. The caller
// holds mu.
func (b *Budget) roll() {
	if !time.Now().Before(b.tomorrow) {
		b.tomorrow, b.accounts = b.midnight(), make(map[string]*account)
	}
}

// midnight returns when the day ends, which is after now. The caller holds mu.
func (b *Budget) midnight() time.Time {
	now := time.Now().In(b.config.Location)
	year, month, day := now.Date()
	next := time.Date(year, month, day+1, 0, 0, 0, 0, b.config.Location)
	// Where clocks change at midnight there may be none, or two: Date may then
	// return a time of today, or one that is over. Clocks change on a full minute.
	for next.Day() == day || !next.After(now) {
		next = next.Add(time.Minute)
	}
	return next
}

func (b *Budget) limit(tenant string) nano {
	dollars, ok := b.config.Limits[tenant]
	if !ok {
		dollars = b.config.Limit
	}
	if dollars == 0 || dollars >= unlimited.dollars() {
		return unlimited
	}
	return max(nano(math.Round(dollars*float64(dollar))), 1)
}

// reserve sets amount aside for tenant, unless that would exceed its limit. It
// returns the account to settle: a call belongs to the day it started on.
func (b *Budget) reserve(tenant string, amount nano, known bool) (*account, *RefusedError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.today(tenant)
	switch {
	case a.limit == unlimited:
	case !known:
		return nil, &RefusedError{By: "budget", Reason: "its price is not known"}
	case amount > 0 && amount > a.limit-a.spent-a.reserved:
		return nil, &RefusedError{
			By: "budget", Until: b.tomorrow,
			Reason: fmt.Sprintf("no place for %.4f USD in the day's budget of %.2f USD", amount.dollars(), a.limit.dollars()),
		}
	}
	a.reserved += amount
	return a, nil
}

// settle charges cost in the place of what was reserved.
func (b *Budget) settle(a *account, reserved, cost nano) {
	b.mu.Lock()
	a.reserved -= reserved
	a.spent += cost
	spent, limit := a.spent, a.limit
	warn := !a.warned && a.limit != unlimited && float64(spent) >= b.config.WarnAt*float64(a.limit)
	a.warned = a.warned || warn
	b.mu.Unlock()
	if warn {
		b.warn(a.tenant, spent, limit)
	}
}

// warn tells the hook. No lock is held, so that the hook may ask the budget.
func (b *Budget) warn(tenant string, spent, limit nano) {
	if b.config.Warn == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: BudgetConfig.Warn panicked", "panic", r)
		}
	}()
	b.config.Warn(tenant, spent.dollars(), limit.dollars())
}
