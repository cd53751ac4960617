// Package stream is how the layers of this module call each other.
//
// Outside, everything is a model.LLM and hands out an iterator. Inside, a layer
// is a [Layer]: it passes responses to a [Sink] and returns how the call ended.
// So one loop over a foreign iterator, in [Source], serves a whole tree of
// layers: a layer that only watches the end of a call adds nothing per chunk
// and no allocation, and there is one place that knows what the consumer has
// been shown.
//
//	consumer ← Serve ← Sink ← Source ← model.LLM
//	             │               ▲
//	             └ Fallback.Do → Retry.Do → … → Source.Do
package stream

import (
	"context"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Layer is a model.LLM of this module.
type Layer interface {
	model.LLM

	// Do makes one call and passes what arrives to out. It returns nil once a
	// final response has been passed on or the consumer has stopped, and else
	// why the call failed. It never passes an error to out, and does nothing
	// more to out once it has returned.
	Do(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error
}

// Optional is a layer that is no part of some calls. A router may have one that
// is another way to one of its targets, and so has that target's name.
type Optional interface {
	Layer

	// Absent reports whether a call goes on as if the layer were not there. It is
	// asked when the layer's turn comes, and before.
	Absent(ctx context.Context) bool
}

// LastResort is a layer whose answers stand in for a model's.
type LastResort interface {
	Layer

	// LastResort marks the layer; it does nothing.
	LastResort()
}

// Around is the part that layers around one other layer have in common.
type Around struct{ Inner Layer }

// Name implements model.LLM.
func (a *Around) Name() string { return a.Inner.Name() }

// Target implements provider.Described.
func (a *Around) Target() provider.Target { return TargetOf(a.Inner) }

// Within returns the layer that a layer stands around.
func (a *Around) Within() Layer { return a.Inner }

// Find returns the first of m and the layers within it, as far as they stand around
// one other layer, that is a T.
func Find[T any](m model.LLM) (found T, ok bool) {
	for m != nil {
		m = Bare(m)
		if found, ok = m.(T); ok {
			return found, true
		}
		around, is := m.(interface{ Within() Layer })
		if !is {
			return found, false
		}
		m = around.Within()
	}
	return found, false
}

// Serve implements GenerateContent for a layer.
func Serve(layer Layer, ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		ctx := call.Carry(ctx)
		out := NewSink(ctx, yield)
		if req.Model != layer.Name() {
			out.Chosen = req.Model
		}
		err := layer.Do(ctx, req, stream, out)
		if err != nil && ctx.Err() != nil {
			err = Ended(ctx) // whatever a model makes of it
		}
		out.End(err)
	}
}

// Of returns m as a layer: m itself if it is one, else a [Source] around it.
func Of(m model.LLM) Layer {
	if layer, ok := m.(Layer); ok {
		return layer
	}
	return NewSource(m, Options{})
}
