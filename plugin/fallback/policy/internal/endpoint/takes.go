package endpoint

import (
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Target returns package provider's form of a target whose requests name the model id.
func Target(r spec.Resolved, id string) provider.Target {
	return provider.Target{Model: id, Takes: takesOf(r.Settings.Takes), Drop: r.Settings.Unsupported == "drop"}
}

// takesOf converts t to package provider's form. A nil t overrides nothing.
func takesOf(t *spec.Takes) provider.Takes {
	if t == nil {
		return provider.Takes{}
	}
	takes := provider.Takes{
		Temperature: t.Temperature, TopP: t.TopP, TopK: t.TopK, Penalties: t.Penalties, Seed: t.Seed, Logprobs: t.Logprobs,
		Safety: t.Safety, Labels: t.Labels, StopSequences: t.StopSequences, ForcedTool: t.ForcedTool, Schema: t.Schema,
		SchemaWithTools: t.SchemaWithTools, ProviderTools: slices.Clone(t.ProviderTools), Media: slices.Clone(t.Media), Prefill: t.Prefill,
	}
	if t.ThinkingLevels != nil {
		takes.ThinkingLevels = make([]string, len(t.ThinkingLevels))
		for i, level := range t.ThinkingLevels {
			takes.ThinkingLevels[i] = strings.ToUpper(level)
		}
	}
	if t.ThinkingBudget != nil {
		takes.ThinkingBudget = &provider.Budget{}
		if *t.ThinkingBudget {
			*takes.ThinkingBudget = provider.Budget{Min: 1, Max: 1_000_000, Off: true, Auto: true}
		}
	}
	return takes
}
