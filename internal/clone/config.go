package clone

import (
	"maps"
	"reflect"

	"google.golang.org/genai"
)

// config copies a configuration. A request sets a few of its forty fields, and to
// look at the others by reflection would cost more than to copy the rest of a short
// request.
func (c *copier) config(src *genai.GenerateContentConfig, depth int) *genai.GenerateContentConfig {
	if src == nil || !c.enter(depth) {
		return src
	}
	dst := *src
	if src.SystemInstruction != nil {
		dst.SystemInstruction = c.contents([]*genai.Content{src.SystemInstruction}, depth)[0]
	}
	dst.ResponseSchema, dst.ResponseJsonSchema = c.schema(src.ResponseSchema, depth), c.data(src.ResponseJsonSchema, depth)
	dst.Labels = maps.Clone(src.Labels)
	dst.StopSequences, dst.ResponseModalities = c.strings.list(src.StopSequences), c.strings.list(src.ResponseModalities)
	dst.Temperature, dst.TopP, dst.TopK = pointerTo(src.Temperature), pointerTo(src.TopP), pointerTo(src.TopK)
	dst.PresencePenalty, dst.FrequencyPenalty = pointerTo(src.PresencePenalty), pointerTo(src.FrequencyPenalty)
	dst.Seed, dst.Logprobs, dst.Store = pointerTo(src.Seed), pointerTo(src.Logprobs), pointerTo(src.Store)
	dst.EnableEnhancedCivicAnswers = pointerTo(src.EnableEnhancedCivicAnswers)
	dst.AutomaticContinuation = pointerTo(src.AutomaticContinuation)
	if src.Tools != nil {
		c.value(reflect.ValueOf(&dst.Tools).Elem(), depth)
	}
	if src.SafetySettings != nil {
		c.value(reflect.ValueOf(&dst.SafetySettings).Elem(), depth)
	}
	structure(c, &dst.HTTPOptions, depth)
	structure(c, &dst.RoutingConfig, depth)
	structure(c, &dst.ModelSelectionConfig, depth)
	structure(c, &dst.ToolConfig, depth)
	structure(c, &dst.SpeechConfig, depth)
	structure(c, &dst.ThinkingConfig, depth)
	structure(c, &dst.ImageConfig, depth)
	structure(c, &dst.ModelArmorConfig, depth)
	structure(c, &dst.AudioTranscriptionConfig, depth)
	structure(c, &dst.GenerationOutputConfig, depth)
	c.also(&dst, c.newer.config, depth)
	return &dst
}

// structure replaces *at by a copy.
func structure[T any](c *copier, at **T, depth int) {
	if *at != nil {
		c.value(reflect.ValueOf(at).Elem(), depth)
	}
}
