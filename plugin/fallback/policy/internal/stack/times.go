package stack

import (
	"context"
	"iter"
	"time"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/deadline"
	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// times are the time limits of an attempt. They depend on the target's place in a chain: the
// primary of one chain may be a fallback in another, with the same breaker.
type times struct {
	unary, streamed time.Duration // until the first content
	idle, total     time.Duration
}

// times returns the time limits of a target in its place.
func (b *Builder) times(t spec.Target) times {
	limits := times{unary: t.Silence, streamed: t.Streamed}
	if p := b.Policy; p.Timeouts != nil {
		limits.total = p.Timeouts.Attempt
	}
	if p := b.Policy; p.Stream != nil {
		limits.idle = p.Stream.Idle
	}
	return limits
}

func (t times) limits() deadline.Times {
	why := func(phase string, limit time.Duration) error {
		return &failure.TimeoutError{Phase: phase, Limit: limit}
	}
	return deadline.Times{
		Unary:    deadline.Limits{FirstContent: t.unary, Total: t.total, Why: why},
		Streamed: deadline.Limits{FirstContent: t.streamed, Idle: t.idle, Total: t.total, Why: why},
	}
}

// Timed returns inner, a layer of s, with the time limits of the target that s was built or
// found for.
func (s *Stack) Timed(inner stream.Layer) stream.Layer {
	if s.place == s.own {
		return inner
	}
	own := s.place.limits()
	return stream.Wrap(inner, func(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
		outer := out.Times
		out.Times = &own
		defer func() { out.Times = outer }()
		return inner.Do(ctx, req, streamed, out)
	})
}

// timed cuts off an attempt that takes longer than the limits of its place, or its own limits if
// the place has none.
type timed struct {
	stream.Around
	own deadline.Times
}

// GenerateContent implements model.LLM.
func (t *timed) GenerateContent(ctx context.Context, req *model.LLMRequest, streamed bool) iter.Seq2[*model.LLMResponse, error] {
	return stream.Serve(t, ctx, req, streamed)
}

// Inspect returns the node of the limits; the tree of the inner layer if there are none.
func (t *timed) Inspect() inspect.Node {
	if !bounds(&t.own.Unary) && !bounds(&t.own.Streamed) {
		return t.Around.Inspect()
	}
	return t.Node("timeout")
}

// bounds reports whether a limit is set.
func bounds(limits *deadline.Limits) bool {
	return limits.FirstContent > 0 || limits.Idle > 0 || limits.Total > 0
}

// Do implements stream.Layer.
func (t *timed) Do(ctx context.Context, req *model.LLMRequest, streamed bool, out *stream.Sink) error {
	limits := &t.own
	if out.Times != nil {
		limits = out.Times
	}
	of := &limits.Unary
	if streamed {
		of = &limits.Streamed
	}
	if !bounds(of) {
		return t.Inner.Do(ctx, req, streamed, out)
	}
	ctx, end := out.Limit(ctx, *of)
	defer end()
	return t.Inner.Do(ctx, req, streamed, out)
}
