package spec

// Model has the settings of a model.
type Model struct {
	// The API that serves the model. openai is OpenAI's own, or any server at base_url
	// that speaks one of its protocols; openai_chat is openai with api: chat. Default:
	// gemini for names that begin with gemini-, openai for gpt- and for names such as
	// o3, anthropic for claude-. A model with any other name needs this key, unless the
	// application supplies it.
	Provider string `key:"provider" enum:"gemini|vertexai|openai|openai_chat|anthropic"`
	// The OpenAI protocol: responses or chat (chat completions). Default: responses for
	// OpenAI's own endpoint, chat for any other base_url.
	API string `key:"api" enum:"responses|chat"`
	// The provider's name for the model. Default: its name in this file.
	ID string `key:"id"`
	// Family within which models may share answers in the cache, such as
	// gemini-2.5-flash. Default: the id.
	Family string `key:"family"`
	// Longest input, in tokens. A request that is longer, by an estimate, skips the
	// model. Default: the window of a model in the built-in price list; no limit for
	// any other, or for a model that the application supplies.
	ContextWindow int `key:"context_window" min:"1" max:"100000000"`
	// What the model can process beside text. A request that needs anything else skips
	// the model. [] means text only. prefill: it continues a text that the request ends
	// with, for mid_stream: resume. Default: everything but prefill.
	Capabilities []string `key:"capabilities" items:"0..16" enum:"tools|images|audio|video|documents|json_schema|prefill"`
	// Group of equally good models. Among neighbours in the chain with the same tier, a call
	// moves on to the one that has the conversation in its prompt cache, or otherwise to one
	// of the same account or provider as the target before. A fallback with a condition
	// other than error is in no tier. Default: none.
	Tier string `key:"tier"`
	// Region where the model is served, such as europe-west4. Compliance rules compare
	// it. vertexai calls this location; at any other known endpoint it must be the
	// region of that endpoint. Default: none, so that no rule about regions allows the
	// model.
	Region string `key:"region"`
	// Name of the environment variable that holds the key. A file never contains the
	// key itself. Default: the provider's usual variable.
	CredentialEnv string `key:"credential_env" kind:"env"`
	// Address of the API. Default: the provider's own.
	BaseURL string `key:"base_url" kind:"url"`
	// Price of the model. Default: the public list price. A model without a known price
	// is never treated as free.
	Price *Price `key:"price"`
	// Request settings for this model. A key replaces the agent's setting, and null
	// removes it. Default: the agent's settings.
	Config *ModelConfig `key:"config"`
	// Names of the tools that the model may call; * stands for any text, and [] means
	// none. Other tools are omitted from its requests. Tools that the provider runs
	// have names such as google_search. A request that forces an omitted tool skips the
	// model. Default: every tool.
	Tools []string `key:"tools" items:"0..256" kind:"pattern"`
	// Limits for this model, instead of the section rate_limits.
	RateLimits *RateLimits `key:"rate_limits"`
	// What to do with a part of a request that affects the answer and that the model
	// does not accept, such as a provider's tool, cached content, media or a schema:
	// skip the model for this request (skip), or omit the part (drop). Default: skip.
	Unsupported string `key:"unsupported" enum:"skip|drop"`
	// What the model's API accepts. Each key overrides the built-in rule for the
	// model's family.
	Takes *Takes `key:"takes"`
}

// Price is in US dollars per million tokens.
type Price struct {
	// Price of a million input tokens.
	Input USD `key:"input,required" min:"0" max:"100000"`
	// Price of a million output tokens.
	Output USD `key:"output,required" min:"0" max:"100000"`
	// Price of a million input tokens that the provider has cached. Default: the price
	// of input.
	Cached *USD `key:"cached" min:"0" max:"100000"`
}

// ModelConfig is the part of genai.GenerateContentConfig that a file may set. A key
// replaces the agent's setting, null removes it, and an omitted key keeps it.
type ModelConfig struct {
	// Sampling temperature.
	Temperature *float64 `key:"temperature,nullable" min:"0" max:"2"`
	// Probability mass that tokens are sampled from.
	TopP *float64 `key:"top_p,nullable" min:"0" max:"1"`
	// Number of candidates that tokens are sampled from.
	TopK *int `key:"top_k,nullable" min:"1" max:"1000"`
	// Longest answer, in tokens. budgets.max_output_tokens still applies.
	MaxOutputTokens int `key:"max_output_tokens,nullable" min:"1" max:"10000000"`
	// Texts that end an answer.
	StopSequences []string `key:"stop_sequences,nullable" items:"1..16" kind:"text"`
	// Seed of the sampling, for answers that are repeatable as far as the model
	// supports it.
	Seed *int `key:"seed,nullable" min:"0" max:"2147483647"`
	// Penalty on tokens that the text already contains.
	PresencePenalty *float64 `key:"presence_penalty,nullable" min:"-2" max:"2"`
	// Penalty on tokens in proportion to their number in the text.
	FrequencyPenalty *float64 `key:"frequency_penalty,nullable" min:"-2" max:"2"`
	// Longest thinking, in tokens: 0 for none, -1 for the model's own choice. It also
	// replaces a thinking level of the agent; null removes budget and level. Not
	// together with thinking_level.
	ThinkingBudget *int `key:"thinking_budget,nullable" min:"-1" max:"1000000"`
	// How much the model thinks. It also replaces a thinking budget of the agent; null
	// removes level and budget. Not together with thinking_budget.
	ThinkingLevel string `key:"thinking_level,nullable" enum:"minimal|low|medium|high"`
	// Change of the agent's system instruction: prefix or replace. null removes the
	// instruction.
	System *System `key:"system,nullable"`

	// Unset lists the keys that are null.
	Unset []string `nulls:"true"`
}

// System changes the agent's system instruction. Exactly one of its keys must be set.
type System struct {
	// Text before the agent's instruction, on a line of its own.
	Prefix string `key:"prefix" kind:"text"`
	// Text instead of the agent's instruction.
	Replace string `key:"replace" kind:"text"`
}

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
