package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// DefaultTenants is how many tenants have metrics of their own.
const DefaultTenants = 32

// Option is a setting of [New].
type Option func(*Observer) error

// WithTenants sets how many tenants have metrics of their own: the first n that are seen.
// The others share the tenant "other". 0 means that no metric has a tenant. Default:
// DefaultTenants.
//
// A tenant's label is the first 12 hexadecimal digits of the SHA-256 of the name in lower case,
// because a name may be personal data.
func WithTenants(n int) Option {
	return func(o *Observer) error {
		if n < 0 {
			return fmt.Errorf("observe: WithTenants: %d is negative; must be 0 for none, or more", n)
		}
		o.tenants.most = n
		return nil
	}
}

// Observer records metrics and logs of the calls that its hooks see. It is safe for
// concurrent use. An application needs one.
type Observer struct {
	logger   *slog.Logger // nil for no logs
	metrics  *metrics     // nil for no metrics
	tenants  names        // hashed
	gauges   gauges
	feedback answers
}

// New returns an observer that creates its instruments with meter and logs to logger.
// Either may be nil: then there are no metrics, or no logs. The error is that of an option
// or of the meter.
func New(meter metric.Meter, logger *slog.Logger, options ...Option) (*Observer, error) {
	o := &Observer{logger: logger, tenants: names{most: DefaultTenants, shown: hashed}}
	var problems []error
	for i, option := range options {
		if option == nil {
			problems = append(problems, fmt.Errorf("observe: option %d is nil; remove it", i+1))
			continue
		}
		problems = append(problems, option(o))
	}
	if meter != nil {
		var err error
		o.metrics, err = newMetrics(meter)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if meter != nil {
		if err := o.gauges.register(meter, o); err != nil { // last: a callback outlives an error
			return nil, err
		}
	}
	return o, nil
}

// MustNew is New, but panics on an error.
func MustNew(meter metric.Meter, logger *slog.Logger, options ...Option) *Observer {
	return check.Must(New(meter, logger, options...))
}

// Reserve gives targets metrics of their own, even if 64 other names have been seen before: clients of a
// gateway may invent names. Package policy calls it with the models of its file. At most 1024 names have
// metrics of their own.
func (o *Observer) Reserve(targets ...string) {
	if o.metrics == nil {
		return
	}
	for _, target := range targets {
		o.metrics.targets.within(target, maxReserved)
	}
}

// Hooks returns the hooks that record metrics and logs. Set them in one place of a tree of
// models: the outermost router, the policy, or the plugin. In two, calls count twice.
func (o *Observer) Hooks() call.Hooks {
	return call.Hooks{OnAttempt: o.attempt, OnEnd: o.end}
}

func (o *Observer) attempt(ctx context.Context, a call.Attempt) {
	if m := o.metrics; m != nil && wanted(ctx, m.attempts, m.attemptTime, m.attemptFirst, m.attemptWait, m.hedges, m.tokens, m.cost) {
		m.attempt(ctx, a, o.tenant(ctx))
	}
}

func (o *Observer) end(ctx context.Context, r call.Result) {
	if m := o.metrics; m != nil {
		if wanted(ctx, m.calls, m.callTime, m.callFirst, m.callOverhead, m.fallbacks, m.cached, m.experiments) {
			m.end(ctx, r, o.tenant(ctx))
		}
		if r.Outcome == call.OK {
			o.feedback.remember(call.From(ctx).Invocation, m.judgement(r.Metadata))
		}
	}
	o.log(ctx, r)
}

// tenant returns the label of the caller's tenant.
func (o *Observer) tenant(ctx context.Context) string { return o.label(call.From(ctx).Tenant) }

func (o *Observer) label(tenant string) string {
	if o.tenants.most == 0 {
		return ""
	}
	return o.tenants.of(match.Fold(tenant)) // as budgets count them
}

// Close ends the reading of gauges: those of Watch and WatchJobs are no longer collected.
// The hooks go on to record.
func (o *Observer) Close() error {
	if o.gauges.registration == nil {
		return nil
	}
	return o.gauges.registration.Unregister()
}

// Inspect returns the tree of m, with the state of its breakers, limits, budgets, caches,
// hedges and experiments. Breakers can be opened and closed by hand; see
// [inspect.Breaker]. It is safe for concurrent use.
func Inspect(m model.LLM) inspect.Node { return inspect.Of(m) }
