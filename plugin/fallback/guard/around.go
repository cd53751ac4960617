package guard

import (
	"context"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/nilcheck"
	"github.com/adk-fallback/adk-fallback/internal/stream"
)

// Around returns m behind guards, which run in order for each call: see [All]. t
// describes m; an empty t.Name means m's own. A call that is refused ends with a
// *middleware.RefusedError, whose verdict is to fall back, and m is not called.
//
// Guards go outside of Retry, Breaker and Limit: a request that a target may not see
// takes no place there. Where m is a router, t describes all its targets; use
// router.Config.Guards for guards of each.
//
// A request that names another model of m's provider is guarded under that name.
//
// It panics if m is nil, which is a mistake of the program.
func Around(m model.LLM, t Target, guards ...Guard) model.LLM {
	if nilcheck.Model(m) {
		panic("guard: Around: the model is nil")
	}
	if t.Name == "" {
		t.Name = m.Name()
	}
	l := &layer{Around: stream.Around{Inner: stream.Of(m)}, target: t, guard: All(guards...)}
	_, l.single = stream.Find[*stream.Source](l.Inner)
	if _, lastResort := stream.Find[stream.LastResort](l.Inner); lastResort {
		l.target.LastResort = true
	}
	return stream.Forward(l, m)
}

// layer is a model behind guards.
type layer struct {
	stream.Around
	target Target
	guard  Guard
	single bool // it is one model, not a router
}

// GenerateContent implements model.LLM.
func (l *layer) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(l, ctx, req, streamed)
}

// Do implements stream.Layer.
func (l *layer) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	t := l.target
	if l.single && out.Chosen != "" && !t.is(match.Fold(out.Chosen)) {
		t.Name, t.Aliases = out.Chosen, nil
	}
	t.LastResort = t.LastResort || out.AsksNoModel()
	seen, err := l.guard(out.Deriving(ctx), req, t)
	if err != nil {
		if refused, ok := err.(*stream.RefusedError); ok {
			refused.Model = l.Name() // a copy by All
		}
		return err
	}
	return l.Inner.Do(ctx, seen, streamed, out)
}
