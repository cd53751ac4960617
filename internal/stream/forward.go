package stream

import (
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
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
		return struct {
			Layer
			variant
			client
		}{layer, v, c}
	case hasVariant:
		return struct {
			Layer
			variant
		}{layer, v}
	case hasClient:
		return struct {
			Layer
			client
		}{layer, c}
	}
	return layer
}
