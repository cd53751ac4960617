package router

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// SplitAhead returns m with a separate middleware in front for each arm of split, a
// model of [NewSplit] somewhere in m. It chooses the arm before a call reaches m, so
// that a cache around a whole chain keeps the arms apart:
//
//	chain := router.MustFallback(router.Config{}, split, backup)
//	m, err := router.SplitAhead(split, chain, func(arm int) middleware.Middleware {
//		return cache.Middleware([]string{"control", "treatment"}[arm])
//	})
//
// front is called once for each arm, in order. The model that its middleware wraps
// has the name of the arm's model, and answers of the middleware carry experiment_id
// and cohort too. The returned model has the name and optional methods of m. The
// error names every wrong argument.
func SplitAhead(split, m model.LLM, front func(arm int) middleware.Middleware) (model.LLM, error) {
	var problems []error
	s := splitOf(split)
	if s == nil {
		problems = append(problems, errors.New("router: SplitAhead: split is not a model of NewSplit; must be one"))
	}
	if nilcheck.Model(m) {
		problems = append(problems, errors.New("router: SplitAhead: m is nil; must be a model"))
	}
	if front == nil {
		problems = append(problems, errors.New("router: SplitAhead: front is nil; must be a function"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	inner := stream.Of(m)
	a := &ahead{Layer: inner, split: s}
	for i, arm := range s.arms {
		around := front(i)
		if around == nil {
			return nil, fmt.Errorf("router: SplitAhead: front(%d) is nil; must be a middleware", i)
		}
		a.fronts = append(a.fronts, stream.Of(around(&behind{inner, arm.layer.Name()})))
	}
	return stream.Forward(a, m), nil
}

// splitOf returns the split behind a model of NewSplit, or nil for another model.
func splitOf(m model.LLM) *split {
	if nilcheck.Model(m) {
		return nil
	}
	s, _ := stream.Bare(m).(*split)
	return s
}

// ahead is the layer of a SplitAhead.
type ahead struct {
	stream.Layer // behind all fronts, for its name
	split        *split
	fronts       []stream.Layer // one for each arm
}

// Within returns the layer behind the fronts.
func (a *ahead) Within() stream.Layer { return a.Layer }

// GenerateContent implements model.LLM.
func (a *ahead) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(a, ctx, req, streamed)
}

// Do implements stream.Layer.
func (a *ahead) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	i := a.split.choose(ctx)
	a.split.note(i, out)
	return a.fronts[i].Do(context.WithValue(ctx, a.split, i), req, streamed, out)
}

// behind is the layer behind one front, with the name of the arm's model.
type behind struct {
	stream.Layer
	name string
}

// Name implements model.LLM.
func (b *behind) Name() string { return b.name }

// First implements stream.Leader.
func (b *behind) First(ctx context.Context) (context.Context, stream.Layer) { return ctx, b.Layer }

// GenerateContent implements model.LLM.
func (b *behind) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(b, ctx, req, streamed)
}
