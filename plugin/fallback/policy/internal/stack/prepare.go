package stack

import (
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/rate"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// prepare returns a function that changes an attempt's copy of a request: it sets the
// provider's name of the model and the settings in the file.
func prepare(id string, c *spec.ModelConfig, maxOutput int) func(*model.LLMRequest) {
	return func(req *model.LLMRequest) {
		req.Model = id
		if c == nil && maxOutput == 0 {
			return
		}
		if req.Config == nil {
			req.Config = &genai.GenerateContentConfig{}
		}
		if c != nil {
			configure(req.Config, c)
		}
		req.Config.MaxOutputTokens = int32(rate.AtMost(int(req.Config.MaxOutputTokens), maxOutput))
	}
}

// configure replaces and removes settings as c says.
func configure(config *genai.GenerateContentConfig, c *spec.ModelConfig) {
	null := func(key string) bool { return slices.Contains(c.Unset, key) }
	setPointer(&config.Temperature, c.Temperature, null("temperature"))
	setPointer(&config.TopP, c.TopP, null("top_p"))
	setPointer(&config.TopK, c.TopK, null("top_k"))
	setPointer(&config.Seed, c.Seed, null("seed"))
	setPointer(&config.PresencePenalty, c.PresencePenalty, null("presence_penalty"))
	setPointer(&config.FrequencyPenalty, c.FrequencyPenalty, null("frequency_penalty"))
	if c.MaxOutputTokens > 0 || null("max_output_tokens") {
		config.MaxOutputTokens = int32(c.MaxOutputTokens)
	}
	if c.StopSequences != nil || null("stop_sequences") {
		config.StopSequences = slices.Clone(c.StopSequences)
	}
	setThinking(config, c, null)
	setSystem(config, c.System, null("system"))
}

// setPointer replaces a setting by the file's, removes it if null, or keeps it.
func setPointer[T int32 | float32, F int | float64](setting **T, file *F, null bool) {
	switch {
	case null:
		*setting = nil
	case file != nil:
		*setting = genai.Ptr(T(*file))
	}
}

// setThinking sets the thinking level or budget, and removes the other. They exclude each
// other: https://ai.google.dev/gemini-api/docs/thinking
func setThinking(config *genai.GenerateContentConfig, c *spec.ModelConfig, null func(string) bool) {
	set := c.ThinkingBudget != nil || c.ThinkingLevel != ""
	if !set && !null("thinking_budget") && !null("thinking_level") {
		return
	}
	thinking := genai.ThinkingConfig{}
	if config.ThinkingConfig != nil {
		thinking = *config.ThinkingConfig
	}
	thinking.ThinkingBudget, thinking.ThinkingLevel = nil, genai.ThinkingLevel(strings.ToUpper(c.ThinkingLevel))
	setPointer(&thinking.ThinkingBudget, c.ThinkingBudget, false)
	config.ThinkingConfig = &thinking
	if thinking == (genai.ThinkingConfig{}) {
		config.ThinkingConfig = nil
	}
}

// setSystem changes the system instruction. The parts that it keeps belong to the attempt's
// copy.
func setSystem(config *genai.GenerateContentConfig, c *spec.System, null bool) {
	switch {
	case null:
		config.SystemInstruction = nil
	case c == nil:
	case c.Replace != "":
		config.SystemInstruction = genai.NewContentFromText(c.Replace, genai.RoleUser)
	case c.Prefix != "":
		prefixed := genai.NewContentFromText(c.Prefix+"\n", genai.RoleUser)
		if old := config.SystemInstruction; old != nil {
			prefixed.Role, prefixed.Parts = old.Role, append(prefixed.Parts, old.Parts...)
		}
		config.SystemInstruction = prefixed
	}
}

// graderConfig returns the settings of a model that grades: its own, but for the system
// instruction, which says how to grade.
func graderConfig(c *spec.ModelConfig) *spec.ModelConfig {
	if c == nil {
		return nil
	}
	own := *c
	own.System = nil
	own.Unset = slices.DeleteFunc(slices.Clone(own.Unset), func(key string) bool { return key == "system" })
	return &own
}
