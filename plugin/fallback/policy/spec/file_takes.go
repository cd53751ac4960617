package spec

// Takes says what a model's API accepts, for models that are newer than this library.
// Each key overrides the built-in rule for the model's family; an omitted key keeps it.
// A setting that is not accepted is omitted from requests to the model.
type Takes struct {
	// Accepts temperature.
	Temperature *bool `key:"temperature"`
	// Accepts top_p.
	TopP *bool `key:"top_p"`
	// Accepts top_k.
	TopK *bool `key:"top_k"`
	// Accepts presence_penalty and frequency_penalty.
	Penalties *bool `key:"penalties"`
	// Accepts seed.
	Seed *bool `key:"seed"`
	// Accepts a request for log-probabilities.
	Logprobs *bool `key:"logprobs"`
	// Accepts safety settings.
	Safety *bool `key:"safety_settings"`
	// Accepts labels.
	Labels *bool `key:"labels"`
	// Number of stop sequences that it accepts; 0 means none.
	StopSequences *int `key:"stop_sequences" min:"0" max:"16"`
	// Thinking levels that it accepts. none means that thinking can be switched off; []
	// means no level.
	ThinkingLevels []string `key:"thinking_levels" items:"0..8" enum:"none|minimal|low|medium|high|xhigh|max"`
	// Accepts a thinking budget in tokens.
	ThinkingBudget *bool `key:"thinking_budget"`
	// Accepts a tool choice that forces a call.
	ForcedTool *bool `key:"forced_tool"`
	// Accepts a response schema.
	Schema *bool `key:"json_schema"`
	// Accepts a response schema together with tools.
	SchemaWithTools *bool `key:"json_schema_with_tools"`
	// Tools run by the provider that it accepts, such as google_search; [] means none.
	ProviderTools []string `key:"provider_tools" items:"0..16"`
	// Media types that it accepts as input, such as image/png or audio/*; [] means text
	// only.
	Media []string `key:"media" items:"0..32" kind:"text"`
	// Accepts a request that ends with the beginning of the answer, and continues it.
	Prefill *bool `key:"prefill"`
}
