package policy

import (
	"errors"
	"reflect"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/endpoint"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/rate"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// settings has everything that determines the layers around a model. Targets with equal
// settings, in one policy or in two successive ones, share these layers and their state,
// wherever they stand in a chain.
type settings struct {
	Name, Canonical string // Name is that of the model that the application supplies, or else Canonical
	Model           spec.Model
	Breaker         *spec.CircuitBreaker
	Retry           *spec.Retry
	Validate        *spec.Validate
	Limits          *spec.RateLimits
	Classes         []string
	MaxOutput       int
	Charged         bool // dollars are limited
	Relied          bool // a rule relies on the region
	Shared          int  // see kept.sharingID
}

// stack is a model with the layers around it.
type stack struct {
	settings settings
	times    times // the limits without those of a place
	layer    stream.Layer
	pinged   stream.Layer // the part that small requests go through: from the breaker inwards
	llm      model.LLM
	read     readings // of the environment at the time it was built
}

// target returns the model of a target with the layers and guards around it, and the model
// itself; nil if a problem was reported.
func (b *builder) target(t spec.Target) (stream.Layer, model.LLM) {
	s := b.stackOf(t)
	if s == nil {
		return nil, nil
	}
	return b.guarded(s.timed(s.layer, b.times(t)), t), s.llm
}

// stackOf returns the model of a target with the layers around it but for the guards and
// the time limits of its place; nil if a problem was reported.
func (b *builder) stackOf(t spec.Target) *stack {
	want := b.settings(t)
	for _, s := range append(b.kept.stacks, b.before.stacks...) {
		if reflect.DeepEqual(s.settings, want) && s.read.still(b.options.env) {
			b.kept.stacks = append(b.kept.stacks, s)
			return &s
		}
	}
	s, err := b.stack(t, want)
	if err != nil {
		if !errors.Is(err, errReported) {
			b.err(t.Path, strictyaml.Quoted(t.Name)+" cannot be built: "+err.Error())
		}
		return nil
	}
	b.kept.stacks = append(b.kept.stacks, s)
	return &s
}

// settings returns the settings of a target.
func (b *builder) settings(t spec.Target) settings {
	p := b.policy
	s := settings{
		Name: t.Model, Canonical: t.Model, Model: t.Settings, Breaker: p.CircuitBreaker, Retry: p.Retry, Validate: p.Validate, Limits: p.RateLimits, MaxOutput: b.maxOutput(), Charged: b.bounded,
		Relied: b.policy.ReliesOnRegions() && t.Settings.Region != "", Shared: b.kept.sharingID(),
	}
	if b.options.models[t.Name] != nil {
		s.Name = t.Name
	}
	if t.Settings.RateLimits != nil {
		s.Limits = t.Settings.RateLimits
	}
	if t.Grades {
		s.Validate, s.Model.Config = nil, graderConfig(t.Settings.Config)
	}
	if p.Priority != nil {
		s.Classes = p.Priority.Classes
	}
	s.Model.Tier = "" // a matter of the chain
	return s
}

// stack builds a model with the layers of its settings:
//
//	retry → validate → breaker → limit → timeout → budget → model
func (b *builder) stack(t spec.Target, s settings) (stack, error) {
	read := readings{}
	llm, id, err := b.llm(t, read.of(b.options.env))
	if err != nil {
		return stack{}, err
	}
	costs := rate.Of(t.Resolved, s.MaxOutput)
	var inner stream.Layer = stream.NewSource(llm, stream.Options{
		Name: t.Model, Prepare: prepare(id, s.Model.Config, s.MaxOutput), Target: endpoint.Target(t.Resolved, id), Logger: b.options.logger, Price: costs.Price(),
	})
	if b.bounded {
		inner = charged(inner, b.kept.purse.MiddlewareAt(costs.Tariff()))
	}
	limits := b.times(t)
	inner = &timed{stream.Around{Inner: inner}, limits.limits()}
	pinged := inner
	key := b.stateKey(t)
	limit := func(s *settings) (middleware.Middleware, error) { return b.limit(s, key) }
	breaker := func(s *settings) (middleware.Middleware, error) { return b.breaker(s, key) }
	for i, layerOf := range []func(*settings) (middleware.Middleware, error){limit, breaker, b.validate, b.retry} {
		m, err := layerOf(&s)
		if err != nil {
			return stack{}, err
		}
		if m != nil {
			inner = stream.Of(m(inner))
		}
		if i == 1 {
			pinged = inner
		}
	}
	return stack{settings: s, times: limits, layer: inner, pinged: pinged, llm: llm, read: read}, nil
}

func (b *builder) limit(s *settings, key string) (middleware.Middleware, error) {
	r := s.Limits
	if r == nil {
		return nil, nil
	}
	return middleware.NewLimit(middleware.LimitConfig{
		RequestsPerMinute: r.RequestsPerMinute, TokensPerMinute: r.TokensPerMinute, MaxConcurrent: r.Concurrency,
		MaxQueue: r.Queue, MaxWait: r.QueueTimeout, Priorities: ranks(s.Classes), Adaptive: r.Adaptive,
		State: b.kept.state(), StateKey: key,
	})
}

func (b *builder) breaker(s *settings, key string) (middleware.Middleware, error) {
	c := s.Breaker
	if c == nil {
		return nil, nil
	}
	logger := b.options.logger
	return middleware.NewBreaker(middleware.BreakerConfig{
		ConsecutiveFailures: c.FailureThreshold, FailureRatio: float64(c.FailureRatio), MinRequests: c.MinRequests,
		Window: c.Window, OpenFor: c.Backoff, MaxOpenFor: max(c.MaxBackoff, 0),
		SuccessesToClose: c.SuccessesToClose, Probe: probe(c), ProbeTimeout: c.ProbeTimeout,
		State: b.kept.state(), StateKey: key,
		OnStateChange: func(model string, from, to middleware.BreakerState) {
			logger.Warn("policy: a breaker has changed", "model", model, "from", from, "to", to)
			if wake := b.options.wake; wake != nil && to == middleware.BreakerClosed {
				go wake() // ends within wakeTimeout
			}
		},
	})
}

func (b *builder) retry(s *settings) (middleware.Middleware, error) {
	r := s.Retry
	if r == nil || r.MaxAttempts < 2 {
		return nil, nil
	}
	budget, err := middleware.NewRetryBudget(float64(r.Budget), 0)
	if err != nil {
		return nil, err
	}
	return middleware.NewRetry(middleware.RetryConfig{
		MaxRetries: r.MaxAttempts - 1, BaseDelay: r.BaseDelay, MaxDelay: r.MaxDelay, MaxWait: r.MaxWait, SkipWait: r.SkipWait, Budget: budget,
		Rand: b.options.rand,
	})
}
