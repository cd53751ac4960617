package openai

import (
	"math"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// settings reads the generation settings.
func (c *Request) settings(wire *openaiwire.Chat) *problem.Problem {
	config := c.Config
	for _, f := range []struct {
		name  string
		value *float64
	}{{"temperature", wire.Temperature}, {"top_p", wire.TopP}, {"presence_penalty", wire.PresencePenalty}, {"frequency_penalty", wire.FrequencyPenalty}} {
		if f.value != nil && math.Abs(*f.value) > math.MaxFloat32 { // which would be infinite, and no JSON
			return problem.Invalid(f.name, f.name+" is too large")
		}
	}
	config.Temperature, config.TopP, config.TopK = float(wire.Temperature), float(wire.TopP), wholeFloat(wire.TopK)
	config.PresencePenalty, config.FrequencyPenalty = float(wire.PresencePenalty), float(wire.FrequencyPenalty)
	for _, f := range []struct { // the last one that is set applies
		name  string
		value *int64
	}{{"max_tokens", wire.MaxTokens}, {"max_completion_tokens", wire.MaxCompletionTokens}} {
		switch {
		case f.value == nil:
		case *f.value < 1:
			return problem.Invalid(f.name, f.name+" must be at least 1")
		default:
			config.MaxOutputTokens = int32(min(*f.value, math.MaxInt32))
		}
	}
	config.StopSequences = wire.Stop
	for _, seed := range []*int64{wire.Seed, wire.RandomSeed} {
		if seed != nil {
			config.Seed = genai.Ptr(int32(*seed)) // the lower 32 bits of a longer seed
		}
	}
	switch {
	case wire.TopLogprobs < 0 || wire.TopLogprobs > 20:
		return problem.Invalid("top_logprobs", "top_logprobs must be from 0 to 20")
	case wire.TopLogprobs > 0 && !wire.Logprobs:
		return problem.Invalid("top_logprobs", "top_logprobs needs logprobs: true")
	case wire.Logprobs:
		config.ResponseLogprobs = true
		if wire.TopLogprobs > 0 {
			config.Logprobs = genai.Ptr(int32(wire.TopLogprobs))
		}
	}
	for _, modality := range wire.Modalities {
		config.ResponseModalities = append(config.ResponseModalities, strings.ToUpper(modality))
	}
	if len(wire.Modalities) == 1 && wire.Modalities[0] == "text" {
		config.ResponseModalities = nil // the default
	}
	config.Labels = wire.Metadata
	return c.effort(wire.ReasoningEffort)
}

// effort reads reasoning_effort.
func (c *Request) effort(effort string) *problem.Problem {
	switch effort {
	case "":
	case "none":
		c.Config.ThinkingConfig = &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](0)}
	case "minimal", "low", "medium", "high", "xhigh", "max":
		c.Config.ThinkingConfig = &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevel(strings.ToUpper(effort))}
	default:
		return problem.Invalid("reasoning_effort", "reasoning_effort must be none, minimal, low, medium, high, xhigh or max")
	}
	return nil
}

// format reads response_format.
func (c *Request) format(wire *openaiwire.Chat) *problem.Problem {
	f := wire.ResponseFormat
	if f == nil {
		return nil
	}
	schema, at := f.Schema, "response_format.schema" // as llama.cpp, Together and Fireworks have it
	switch f.Type {
	case "text":
		return nil
	case "json_object":
	case "json_schema":
		if f.JSONSchema != nil {
			schema, at = f.JSONSchema.Schema, "response_format.json_schema.schema"
		} else if !isSet(schema) {
			return problem.Invalid("response_format.json_schema", "json_schema is missing")
		}
	default:
		return problem.Invalid("response_format.type", "response_format.type must be text, json_object or json_schema")
	}
	if f.Type == "json_schema" || isSet(schema) {
		if _, ok := object(schema); !ok {
			return problem.Invalid(at, "schema must be a JSON Schema, an object")
		}
		c.Config.ResponseJsonSchema = schema // its text has the order of the properties
	}
	c.Config.ResponseMIMEType = "application/json"
	return nil
}

func float(f *float64) *float32 {
	if f == nil {
		return nil
	}
	return genai.Ptr(float32(*f))
}

func wholeFloat(n *int64) *float32 {
	if n == nil {
		return nil
	}
	return genai.Ptr(float32(*n))
}
