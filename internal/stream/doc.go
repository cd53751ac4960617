// Package stream is how the layers of this module call each other.
//
// To callers, every layer is a model.LLM that returns an iterator. Inside, it is a
// [Layer]: it passes responses to a [Sink] and returns how the call ended. So one
// loop over a foreign iterator, in [Source], serves a whole tree of layers. A layer
// that only needs the end of a call adds no allocation and no work per chunk, and
// only the Sink tracks what the consumer has seen.
//
//	consumer ← Serve ← Sink ← Source ← model.LLM
//	             │               ▲
//	             └ Fallback.Do → Retry.Do → … → Source.Do
package stream

import (
	"context"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/unanswered"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Layer is a model.LLM of this module.
type Layer interface {
	model.LLM

	// Do makes one call and passes its responses to out. It returns nil if a final
	// response was passed on or the consumer has stopped, and otherwise the error of
	// the call. It never passes an error to out, and does not use out after it has
	// returned.
	Do(ctx context.Context, req *model.LLMRequest, stream bool, out *Sink) error
}

// Optional is a layer that may be absent from a call. A router may have one as another
// way to one of its targets, with that target's name.
type Optional interface {
	Layer

	// Absent reports whether a call goes on without the layer. It may be called
	// several times per call.
	Absent(ctx context.Context) bool
}

// Gated is a layer that may refuse a call before the rules of a router are evaluated for
// it; see router.When.
type Gated interface {
	Layer

	// Gate returns why the call is refused, or nil. moves reports whether the call then
	// moves on to the next target, whatever its rule. forced is Orders.Force.
	Gate(ctx context.Context, forced bool) (refused *RefusedError, moves bool)
}

// LastResort is a layer that answers without a model when all targets have failed.
type LastResort interface {
	Layer

	// LastResort marks the layer; it does nothing.
	LastResort()
}

// Around is the common part of layers around one other layer.
type Around struct{ Inner Layer }

// Name implements model.LLM.
func (a *Around) Name() string { return a.Inner.Name() }

// Target implements provider.Described.
func (a *Around) Target() provider.Target { return TargetOf(a.Inner) }

// Within returns the inner layer.
func (a *Around) Within() Layer { return a.Inner }

// Inspect returns the tree of the inner layer. A layer with a state of its own, or one that
// readers of the tree know by name, puts a node around it.
func (a *Around) Inspect() inspect.Node { return inspect.Of(a.Inner) }

// Node returns the node of a layer around the inner one.
func (a *Around) Node(layer string) inspect.Node {
	return inspect.Node{Layer: layer, Name: a.Name(), Inner: inspect.Each(a.Inner)}
}

// Find returns the first T among m and the layers inside it. It does not search the
// targets of routers.
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
		_, adk := ctx.(flow)
		ctx := call.Carry(ctx)
		out := NewSink(ctx, yield)
		out.parts = stream || adk
		defer out.over() // the consumer may panic
		req := unanswered.Neutral(ctx, req)
		if req.Model != layer.Name() {
			out.Chosen = req.Model
		}
		err := layer.Do(ctx, req, stream, out)
		if err != nil && ctx.Err() != nil {
			err = Ended(ctx) // whatever error the model returned
		}
		out.End(err)
	}
}

// flow is the context of a call by ADK's flow, which passes partial responses on also in
// a call that is not streamed.
type flow interface{ InvocationID() string }

// Of returns m as a layer: m itself if it is one, else a [Source] around it.
func Of(m model.LLM) Layer {
	if layer, ok := m.(Layer); ok {
		return layer
	}
	return NewSource(m, Options{})
}
