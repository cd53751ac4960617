package stream

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Optional methods that ADK asks a model for.
type (
	variant interface{ GetGoogleLLMVariant() genai.Backend }
	client  interface{ Client() *genai.Client }
)

// Forward returns layer with the optional methods that primary, the model it
// stands for, has: exactly those, because ADK tells by them what a model can do.
func Forward(layer Layer, primary model.LLM) model.LLM {
	v, hasVariant := primary.(variant)
	c, hasClient := primary.(client)
	switch {
	case hasVariant && hasClient:
		return withBoth{hidden{layer}, v, c}
	case hasVariant:
		return withVariant{hidden{layer}, v}
	case hasClient:
		return withClient{hidden{layer}, c}
	}
	return layer
}

// hidden forwards what the methods of a Layer do not include.
type hidden struct{ Layer }

// Inspect returns the tree of the layer.
func (h hidden) Inspect() inspect.Node { return inspect.Of(h.Layer) }

type (
	withBoth struct {
		hidden
		variant
		client
	}
	withVariant struct {
		hidden
		variant
	}
	withClient struct {
		hidden
		client
	}
)

// Bare returns the layer that [Forward] gave optional methods to, whose own
// methods they hide, or m itself.
func Bare(m model.LLM) model.LLM {
	switch m := m.(type) {
	case withBoth:
		return m.Layer
	case withVariant:
		return m.Layer
	case withClient:
		return m.Layer
	}
	return m
}
