// Package stack builds one model of a policy and the layers around it; package tree puts these
// stacks into a chain. The layers, from the outside in:
//
//	retry → validate → breaker → limit → timeout → budget → model
//
// Targets with equal settings share a stack and the state of its layers, wherever they stand in
// a chain. Guards and the time limits of a place in the chain belong to the target instead.
package stack

import (
	"context"
	"errors"
	"reflect"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/app"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/endpoint"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/rate"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// Stack is a model with the layers around it.
type Stack struct {
	Layer  stream.Layer // all of them
	Pinged stream.Layer // the part that small requests go through: from the breaker inwards
	LLM    model.LLM

	settings settings
	read     readings // of the environment at the time it was built
	own      times    // the limits without those of a place
	place    times    // the limits of the target that it was built or found for
}

// Builder builds the stacks of one policy.
type Builder struct {
	Policy *spec.Policy
	App    *app.Config
	Report func(path, message string) // reports a mistake in the value at path

	Purse    *middleware.Budget             // that attempts are charged to; nil if dollars are not limited
	Small    func(ctx context.Context) bool // the call is a small request, which no tenant pays for
	Shared   *state.Shared                  // that breakers and limits have; nil for none
	SharedID int                            // tells Shared from what other policies share; 0 for none

	Before []Stack // of an earlier policy, to be taken over
	Built  []Stack // so far, and those taken over
}

// settings has everything that determines the layers around a model. Targets with equal
// settings, in one policy or in two successive ones, share these layers and their state.
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
	Shared          int  // see Builder.SharedID
}

// Of returns the stack of a target, or nil if a problem was reported. ctx applies to making
// its client.
func (b *Builder) Of(ctx context.Context, t spec.Target) *Stack {
	want := b.settings(t)
	for _, s := range append(b.Built, b.Before...) {
		if reflect.DeepEqual(s.settings, want) && s.read.still(b.App.Env) {
			return b.add(s, t)
		}
	}
	s, err := b.stack(ctx, t, want)
	if err != nil {
		if !errors.Is(err, errReported) {
			b.Report(t.Path, strictyaml.Quoted(t.Name)+" cannot be built: "+err.Error())
		}
		return nil
	}
	return b.add(s, t)
}

func (b *Builder) add(s Stack, t spec.Target) *Stack {
	b.Built = append(b.Built, s)
	s.place = b.times(t)
	return &s
}

// Find returns the stack that was built for a target, nil for none.
func (b *Builder) Find(t spec.Target) *Stack {
	want := b.settings(t)
	for _, s := range b.Built {
		if reflect.DeepEqual(s.settings, want) {
			s.place = b.times(t)
			return &s
		}
	}
	return nil
}

// settings returns the settings of a target.
func (b *Builder) settings(t spec.Target) settings {
	p := b.Policy
	s := settings{
		Name: t.Model, Canonical: t.Model, Model: t.Settings, Breaker: p.CircuitBreaker, Retry: p.Retry, Validate: p.Validate, Limits: p.RateLimits, MaxOutput: p.Budgets.MaxOutput(), Charged: b.Purse != nil,
		Relied: p.ReliesOnRegions() && t.Settings.Region != "", Shared: b.SharedID,
	}
	if b.App.Models[t.Name] != nil {
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

// stack builds a model with the layers of its settings.
func (b *Builder) stack(ctx context.Context, t spec.Target, s settings) (Stack, error) {
	read := readings{}
	llm, id, err := b.model(ctx, t, read.of(b.App.Env))
	if err != nil {
		return Stack{}, err
	}
	costs := rate.Of(t.Resolved, s.MaxOutput)
	var inner stream.Layer = stream.NewSource(llm, stream.Options{
		Name: t.Model, Prepare: prepare(id, s.Model.Config, s.MaxOutput), Target: endpoint.Target(t.Resolved, id), Logger: b.App.Logger, Price: costs.Price(),
	})
	if s.Charged {
		inner = b.charged(inner, b.Purse.MiddlewareAt(costs.Tariff()))
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
			return Stack{}, err
		}
		if m != nil {
			inner = stream.Of(m(inner))
		}
		if i == 1 {
			pinged = inner
		}
	}
	return Stack{settings: s, own: limits, Layer: inner, Pinged: pinged, LLM: llm, read: read}, nil
}
