package spec

// Model is a model that a policy uses.
type Model struct {
	// The API that serves it. openai is OpenAI's own, or any server at base_url that
	// speaks one of its protocols; openai_chat is openai with api: chat. Default: gemini
	// for a name that begins with gemini-, openai for gpt- and for o followed by a
	// digit, anthropic for claude-. Any other model must be supplied by the
	// application.
	Provider string `key:"provider" enum:"gemini|vertexai|openai|openai_chat|anthropic"`
	// The OpenAI protocol: responses or chat (chat completions). Default: responses
	// for OpenAI's own endpoint, chat for any other base_url.
	API string `key:"api" enum:"responses|chat"`
	// The provider's name for it. Left out, its name in this file.
	ID string `key:"id"`
	// The family whose answers may stand for each other in the cache, such as
	// gemini-2.5-flash. Left out, the id.
	Family string `key:"family"`
	// How many tokens it reads. A request that is estimated to be longer is not
	// sent to it. Left out, every request is.
	ContextWindow int `key:"context_window" min:"1" max:"100000000"`
	// All that it can do beside text. A request that needs something else is not
	// sent to it. Left out, it is taken to do everything; [] means nothing.
	// prefill: it continues a text that the request ends with.
	Capabilities []string `key:"capabilities" items:"0..16" enum:"tools|images|audio|video|documents|json_schema|prefill"`
	// Where it is served, such as europe-west4; on vertexai this is the location
	// that is asked. Compliance rules compare it.
	Region string `key:"region"`
	// The environment variable that holds its key. Left out, the provider's
	// usual one. A file never holds a key.
	CredentialEnv string `key:"credential_env" kind:"env"`
	// Where its API is, if not at the provider's usual place.
	BaseURL string `key:"base_url" kind:"url"`
	// What it costs, instead of the public list price. A model without a known
	// price is never taken to be free.
	Price *Price `key:"price"`
	// Settings of requests to this model, instead of the agent's.
	Config *ModelConfig `key:"config"`
	// Names of the tools that this model may call. Others are omitted from requests to
	// it; [] means none. Default: every tool. * stands for any text.
	Tools []string `key:"tools" items:"0..256" kind:"pattern"`
	// What this model can take, instead of the section rate_limits.
	RateLimits *RateLimits `key:"rate_limits"`
	// How to handle a part of a request that affects the answer and that the model
	// does not accept: a provider's own tools, cached content, media, a schema. skip
	// skips the model for this request; drop omits the part. Default: skip.
	Unsupported string `key:"unsupported" enum:"skip|drop"`
	// What the model's API accepts. Each key overrides the built-in rule for its family.
	Takes *Takes `key:"takes"`
}

// Price is in US dollars for a million tokens.
type Price struct {
	// A million tokens of input.
	Input USD `key:"input,required" min:"0" max:"100000"`
	// A million tokens of output.
	Output USD `key:"output,required" min:"0" max:"100000"`
	// A million tokens of input that the provider had cached. Left out, the
	// price of input.
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
	// Longest answer, in tokens.
	MaxOutputTokens int `key:"max_output_tokens,nullable" min:"1" max:"10000000"`
	// Texts at which an answer ends.
	StopSequences []string `key:"stop_sequences,nullable" items:"1..16" kind:"text"`
	// Seed of the sampling, which makes answers repeatable as far as the model can.
	Seed *int `key:"seed,nullable" min:"0" max:"2147483647"`
	// Penalty on tokens that the text already has.
	PresencePenalty *float64 `key:"presence_penalty,nullable" min:"-2" max:"2"`
	// Penalty on tokens in proportion to how often the text has them.
	FrequencyPenalty *float64 `key:"frequency_penalty,nullable" min:"-2" max:"2"`
	// Tokens that the model may think: 0 for none, -1 for its own choice. It replaces
	// a thinking level of the agent; null removes budget and level.
	ThinkingBudget *int `key:"thinking_budget,nullable" min:"-1" max:"1000000"`
	// How much the model thinks. It replaces a thinking budget of the agent; null
	// removes level and budget.
	ThinkingLevel string `key:"thinking_level,nullable" enum:"minimal|low|medium|high"`
	// Changes the system instruction. null removes it.
	System *System `key:"system,nullable"`

	// Unset lists the keys that are null.
	Unset []string `nulls:"true"`
}

// System changes the agent's system instruction. One of its keys must be set.
type System struct {
	// Text before the agent's instruction, on a line of its own.
	Prefix string `key:"prefix" kind:"text"`
	// Text instead of the agent's instruction.
	Replace string `key:"replace" kind:"text"`
}
