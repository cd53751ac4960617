package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/ledger"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/panics"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// DefaultWarnAt is the share of a limit at which BudgetConfig.Warn is called.
const DefaultWarnAt = 0.8

// BudgetConfig says how much may be spent, and what attempts cost. All amounts are in
// US dollars. Price is required; all other fields are optional.
type BudgetConfig struct {
	// Limit is how much each tenant may spend in a day (call.Info.Tenant, in which case
	// does not matter; calls without one share a tenant). 0 means no limit: spending is only counted.
	Limit float64
	// Limits overrides Limit for single tenants. Case does not matter, so two spellings of
	// one tenant, such as ACME and acme, are an error. Values must be above 0; math.Inf(1)
	// means no limit.
	Limits map[string]float64
	// Location is the time zone of days. Nil means UTC.
	Location *time.Location

	// Price estimates the cost of an attempt at the named model from the request
	// alone. A limit is exceeded by as much as the estimate is too low. ok is false if
	// the price is unknown; then tenants with a limit are refused, because the call
	// may not be free. Price must not change req. Price, Cost and Warn must be safe
	// for concurrent use.
	Price func(modelName string, req *model.LLMRequest) (projected float64, ok bool)
	// Cost returns the cost of an attempt from the usage that the provider reported.
	// Nil means the result of Price.
	Cost func(modelName string, usage *genai.GenerateContentResponseUsageMetadata) float64

	// Warn is called once for each tenant and day, when the share WarnAt of the limit
	// has been spent, on the goroutine of the call that spent it, before the consumer gets
	// the answer. It must be fast. Optional.
	Warn func(tenant string, spent, limit float64)
	// WarnAt is in (0, 1]; 0 means DefaultWarnAt.
	WarnAt float64

	// State, if set, shares the accounts of tenants with the budgets of other replicas:
	// all together keep the limits, which must be the same everywhere. Warn is still called
	// by each replica, for what all have spent. Nil means that nothing is shared.
	State *state.Shared

	// If a function panics, or returns an invalid amount (below 0, not a number, above
	// a million), its result counts as unknown, which is logged. This also applies to
	// the functions of a Tariff.
}

// Budget bounds the daily spending of tenants. It reserves the projected cost of an
// attempt before it starts and charges the actual cost when it ends, so concurrent
// calls exceed a limit at most by the error of Price. A call that does not fit the
// limit is refused with a *RefusedError, whose verdict is to fall back: a free model
// may answer.
//
// Every attempt counts: retries, fallbacks and both sides of a hedge. Spending is
// kept in memory and starts at zero with the process, unless it is shared (State). A
// Budget is safe for concurrent use and can serve every model of an application.
type Budget struct {
	config BudgetConfig
	ledger *ledger.Ledger
}

// NewBudget returns an unspent budget. The error names every wrong field.
func NewBudget(config BudgetConfig) (*Budget, error) {
	var problems []error
	if config.Price == nil {
		problems = append(problems, errors.New("middleware: BudgetConfig.Price: is nil; must be a function"))
	}
	limits, err := checkLimits(config.Limit, config.Limits)
	problems = append(problems, err)
	if !(config.WarnAt >= 0 && config.WarnAt <= 1) {
		problems = append(problems, fmt.Errorf("middleware: BudgetConfig.WarnAt: %v is out of range; must be 0 (default %v) or above 0 up to 1", config.WarnAt, DefaultWarnAt))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	config.WarnAt = cmp.Or(config.WarnAt, DefaultWarnAt)
	b := &Budget{config: config, ledger: ledger.New(config.Limit, limits, config.Location)}
	b.SetState(config.State)
	return b, nil
}

// checkLimits returns limits by the folded names of the tenants, or an error that names every wrong limit.
func checkLimits(limit float64, limits map[string]float64) (map[string]float64, error) {
	var problems []error
	if !(limit >= 0) {
		problems = append(problems, fmt.Errorf("middleware: BudgetConfig.Limit: %v is out of range; must be 0 for no limit, or more", limit))
	}
	for _, tenant := range slices.Sorted(maps.Keys(limits)) {
		if limit := limits[tenant]; !(limit > 0) {
			problems = append(problems, fmt.Errorf("middleware: BudgetConfig.Limits[%q]: %v is out of range; must be above 0, or math.Inf(1) for no limit", tenant, limit))
		}
	}
	byTenant, err := check.Folded("middleware: BudgetConfig.Limits", limits)
	return byTenant, errors.Join(append(problems, err)...)
}

// MustBudget is NewBudget, but panics on an error.
func MustBudget(config BudgetConfig) *Budget { return check.Must(NewBudget(config)) }

// SetLimits replaces BudgetConfig.Limit and Limits. Today's spending counts toward the
// new limits. The error names every wrong limit; then nothing changes.
func (b *Budget) SetLimits(limit float64, limits map[string]float64) error {
	limits, err := checkLimits(limit, limits)
	if err != nil {
		return err
	}
	b.ledger.SetLimits(limit, limits)
	return nil
}

// SetLocation replaces BudgetConfig.Location; nil means UTC. Today's spending counts
// until the next midnight there.
func (b *Budget) SetLocation(location *time.Location) { b.ledger.SetLocation(location) }

// SetState replaces BudgetConfig.State; nil shares nothing. What this process has spent
// today counts there too.
func (b *Budget) SetState(s *state.Shared) { b.ledger.SetState(s) }

// Spent returns what tenant has been charged today, in US dollars, without the
// reservations of attempts in progress. With BudgetConfig.State, it is what all replicas
// have charged, as last known.
func (b *Budget) Spent(tenant string) float64 { return b.ledger.Spent(match.Fold(tenant)).Dollars() }

// Share returns the share of its limit that tenant has spent or reserved today, in
// [0, 1]. It is 0 for a tenant without a limit.
func (b *Budget) Share(tenant string) float64 { return b.ledger.Share(match.Fold(tenant)) }

// refusal returns the error of an attempt that does not fit the limit.
func refusal(why *ledger.Refusal, model string, amount ledger.Nano) *RefusedError {
	switch {
	case why.Unknown:
		return &RefusedError{By: "budget", Model: model, Reason: "its price is not known"}
	case why.Unavailable:
		return &RefusedError{By: "budget", Model: model, Reason: "what other replicas have spent is not known now"}
	}
	return &RefusedError{
		By: "budget", Model: model, Until: why.Until,
		Reason: fmt.Sprintf("no place for %.4f USD in the day's budget of %.2f USD", amount.Dollars(), why.Limit.Dollars()),
	}
}

// settle replaces the reservation by cost, and calls Warn when it is due. No lock is
// held then, so that the hook may use the budget.
func (b *Budget) settle(r ledger.Reservation, cost ledger.Nano) {
	w, warn := b.ledger.Settle(r, cost, b.config.WarnAt)
	if !warn || b.config.Warn == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			slog.Error("middleware: BudgetConfig.Warn panicked", "panic", panics.Text(r))
		}
	}()
	b.config.Warn(w.Tenant, w.Spent.Dollars(), w.Limit.Dollars())
}
