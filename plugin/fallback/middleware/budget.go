package middleware

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/ledger"
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
	config BudgetConfig
	ledger *ledger.Ledger
}

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
	return &Budget{config: config, ledger: ledger.New(config.Limit, config.Limits, config.Location)}, nil
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
	b.ledger.SetLimits(limit, limits)
	return nil
}

// SetLocation replaces BudgetConfig.Location; nil means UTC. What has been spent
// today stands until the next midnight there.
func (b *Budget) SetLocation(location *time.Location) { b.ledger.SetLocation(location) }

// Spent returns what tenant has been charged today, in US dollars. What is
// reserved by attempts under way is not in it.
func (b *Budget) Spent(tenant string) float64 { return b.ledger.Spent(tenant).Dollars() }

// Share returns which share of its limit tenant has spent or reserved today, in
// [0, 1]. It is 0 for a tenant without a limit.
func (b *Budget) Share(tenant string) float64 { return b.ledger.Share(tenant) }

// refusal is what becomes of an attempt that has no place in the limit.
func refusal(why *ledger.Refusal, model string, amount ledger.Nano) *RefusedError {
	if why.Unknown {
		return &RefusedError{By: "budget", Model: model, Reason: "its price is not known"}
	}
	return &RefusedError{
		By: "budget", Model: model, Until: why.Until,
		Reason: fmt.Sprintf("no place for %.4f USD in the day's budget of %.2f USD", amount.Dollars(), why.Limit.Dollars()),
	}
}

// settle charges cost in the place of what was reserved, and tells the hook if it is
// time to. No lock is held then, so that the hook may ask the budget.
func (b *Budget) settle(a *ledger.Account, reserved, cost ledger.Nano) {
	warn, spent, limit := b.ledger.Settle(a, reserved, cost, b.config.WarnAt)
	if !warn || b.config.Warn == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: BudgetConfig.Warn panicked", "panic", r)
		}
	}()
	b.config.Warn(a.Tenant, spent.Dollars(), limit.Dollars())
}
