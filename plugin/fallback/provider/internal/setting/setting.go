// Package setting lists the optional settings of a request, each with the names that
// servers have for it, and how to find and clear it in genai's configuration.
//
// Package provider omits settings that a target does not take, and package repair those
// that a server has refused. Both decide themselves when to do so. Parts of a request
// that are not optional, such as a schema, do not belong here.
package setting

import "google.golang.org/genai"

// Setting is an optional setting of a request: an answer without it is still
// an answer to what was asked.
type Setting struct {
	Name  string   // for records and logs
	Words []string // what servers call it, in lower case, the most telling first
	Given func(*genai.GenerateContentConfig) bool
	Clear func(*genai.GenerateContentConfig)
}

// Optional lists the settings in the order in which they are looked for, longer
// names before those that are part of them. It is read only.
var Optional = []Setting{
	{"top_logprobs", []string{"top_logprobs", "logprobs"},
		func(c *genai.GenerateContentConfig) bool { return c.ResponseLogprobs || c.Logprobs != nil },
		func(c *genai.GenerateContentConfig) { c.ResponseLogprobs, c.Logprobs = false, nil }},
	{"temperature", []string{"temperature"},
		func(c *genai.GenerateContentConfig) bool { return c.Temperature != nil },
		func(c *genai.GenerateContentConfig) { c.Temperature = nil }},
	{"top_p", []string{"top_p", "topp"},
		func(c *genai.GenerateContentConfig) bool { return c.TopP != nil },
		func(c *genai.GenerateContentConfig) { c.TopP = nil }},
	{"top_k", []string{"top_k", "topk"},
		func(c *genai.GenerateContentConfig) bool { return c.TopK != nil },
		func(c *genai.GenerateContentConfig) { c.TopK = nil }},
	{"penalties", []string{"presence_penalty", "frequency_penalty", "presencepenalty", "frequencypenalty", "penalty"},
		func(c *genai.GenerateContentConfig) bool {
			return c.PresencePenalty != nil || c.FrequencyPenalty != nil
		},
		func(c *genai.GenerateContentConfig) { c.PresencePenalty, c.FrequencyPenalty = nil, nil }},
	{"stop_sequences", []string{"stop_sequences", "stopsequences", "stop"},
		func(c *genai.GenerateContentConfig) bool { return len(c.StopSequences) > 0 },
		func(c *genai.GenerateContentConfig) { c.StopSequences = nil }},
	{"seed", []string{"random_seed", "seed"},
		func(c *genai.GenerateContentConfig) bool { return c.Seed != nil },
		func(c *genai.GenerateContentConfig) { c.Seed = nil }},
	{"candidate_count", []string{"candidate_count", "candidatecount", "multiple candidates", "n"},
		func(c *genai.GenerateContentConfig) bool { return c.CandidateCount > 1 },
		func(c *genai.GenerateContentConfig) { c.CandidateCount = 0 }},
	{"safety_settings", []string{"safety_settings", "safetysettings", "safety setting"},
		func(c *genai.GenerateContentConfig) bool { return len(c.SafetySettings) > 0 },
		func(c *genai.GenerateContentConfig) { c.SafetySettings = nil }},
	{"labels", []string{"labels", "metadata"},
		func(c *genai.GenerateContentConfig) bool { return len(c.Labels) > 0 },
		func(c *genai.GenerateContentConfig) { c.Labels = nil }},
	{"thinking", []string{"reasoning_effort", "reasoning.effort", "output_config.effort", "reasoning", "thinking_level", "thinkinglevel", "thinking_budget", "thinkingbudget",
		"budget_tokens", "thinkingconfig", "thinking_config", "thinking.type", "thinking level", "thinking budget", "thinking", "effort"},
		func(c *genai.GenerateContentConfig) bool { return c.ThinkingConfig != nil },
		func(c *genai.GenerateContentConfig) { c.ThinkingConfig = nil }},
	{"media_resolution", []string{"media_resolution", "mediaresolution"},
		func(c *genai.GenerateContentConfig) bool { return c.MediaResolution != "" },
		func(c *genai.GenerateContentConfig) { c.MediaResolution = "" }},
	{"service_tier", []string{"service_tier", "servicetier"},
		func(c *genai.GenerateContentConfig) bool { return c.ServiceTier != "" },
		func(c *genai.GenerateContentConfig) { c.ServiceTier = "" }},
}
