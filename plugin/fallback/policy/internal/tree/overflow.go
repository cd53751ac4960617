package tree

import (
	"cmp"
	"context"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/rate"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// trims reports whether requests that fit no window are trimmed.
func (b *builder) trims() bool { return b.policy.Overflow == "trim" }

// trimmedTargets returns the second places of the targets whose context window is known, in
// the order of the chain. They go behind all models and before the last resorts. Each has
// the model's layers in common with the first place.
func (b *builder) trimmedTargets(r *rules) (again []model.LLM) {
	if !b.trims() {
		return nil
	}
	for _, t := range b.policy.Targets() {
		window := b.known.ContextWindow(t.Resolved)
		if t.LastResort() || window == 0 {
			continue
		}
		layer := b.trimmed(t, window)
		if layer == nil {
			return nil
		}
		if t.Cheap != nil {
			layer = b.strongAlone(t, layer)
		}
		var target stream.Layer = &secondPlace{payable{Around: stream.Around{Inner: layer}}}
		traits := b.traits(spec.Target{Resolved: t.Resolved})
		traits.ContextWindow = 0 // a request that was too long is not, trimmed
		if rule := r.of(t); rule != nil {
			target = stream.Of(router.When(*rule, target))
		}
		again = append(again, router.Describe(target, traits))
	}
	return again
}

// strongAlone is the primary of a cascade without the cheap model. It refuses calls that may
// not get to it in the cascade either: of tenants that use the cheap model alone, and those
// that would cost more than max_cost.
func (b *builder) strongAlone(t spec.Target, strong stream.Layer) stream.Layer {
	s, cost := b.policy.Cascade, rate.Dearest(t.Models(), b.maxOutput())
	own := make(map[string]spec.CascadeTenant, len(s.Tenants))
	for tenant, settings := range s.Tenants {
		own[match.Fold(tenant)] = settings
	}
	return stream.Wrap(strong, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
		tenant := own[match.Fold(call.From(ctx).Tenant)]
		most, reason := float64(cmp.Or(tenant.MaxCost, s.MaxCost)), ""
		switch {
		case tenant.Use == "cheap":
			reason = "the tenant uses the cheap model of the cascade alone"
		case most > 0 && (cost == nil || cost(req) > most):
			reason = "the call would cost more than cascade.max_cost"
		}
		if reason != "" {
			return &middleware.RefusedError{By: "cascade", Model: strong.Name(), Reason: reason}
		}
		return strong.Do(ctx, req, streamed, out)
	})
}

// trimmer is a layer that trims, around a model with its layers. It outlives a policy, because it
// learns how the model counts.
type trimmer struct {
	inner  stream.Layer
	window int
	rate   rate.Rate
	layer  stream.Layer
}

// trimmed returns the model of t behind a layer that trims requests, with the guards of t
// but for that of its window; nil if a problem was reported.
func (b *builder) trimmed(t spec.Target, window int) stream.Layer {
	s := b.stacks.Of(b.ctx, t)
	if s == nil {
		return nil
	}
	want := trimmer{inner: s.Layer, window: window, rate: *rate.Of(t.Resolved, b.maxOutput())}
	for _, k := range append(b.kept.trimmers, b.before.trimmers...) {
		if want.layer = k.layer; k == want {
			b.kept.trimmers = append(b.kept.trimmers, k)
			return b.guardedBy(s.Timed(k.layer), t, 0)
		}
	}
	trim, err := middleware.NewTrim(middleware.TrimConfig{Window: window, Output: want.rate.Output, OnlyOverflow: true})
	if err != nil {
		b.err("overflow", strictyaml.Quoted(t.Name)+": "+err.Error())
		return nil
	}
	want.layer = stream.Of(trim(s.Layer))
	b.kept.trimmers = append(b.kept.trimmers, want)
	return b.guardedBy(s.Timed(want.layer), t, 0)
}

// secondPlace is a target with its requests trimmed. It is part of calls whose request was
// too long for a target.
type secondPlace struct{ payable }

// Absent implements stream.Optional.
func (*secondPlace) Absent(ctx context.Context) bool { return !stateOf(ctx).wasTooLong() }

// GenerateContent implements model.LLM.
func (p *secondPlace) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(p, ctx, req, streamed)
}

// measured is a layer that notes when a request was too long for a target.
func measured(target stream.Layer) stream.Layer {
	return stream.Wrap(target, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
		err := target.Do(ctx, req, streamed, out)
		if err != nil && isTooLong(ctx, err) {
			stateOf(ctx).tooLong()
		}
		return err
	})
}

// isTooLong reports whether an error, or one of those that it joins, says that a request
// exceeds a context window.
func isTooLong(ctx context.Context, err error) bool {
	switch err := err.(type) {
	case *middleware.RefusedError:
		return err.By == "context_window"
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			if isTooLong(ctx, cause) {
				return true
			}
		}
	}
	return stream.VerdictOf(ctx, err).Kind == failure.KindContextLength
}
