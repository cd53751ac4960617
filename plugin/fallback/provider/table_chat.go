package provider

// Other servers that speak chat completions, by the endpoint's host, and open
// models that many of them have. AISDK = vercel/ai ed857f5.

const (
	openaiHosts = "api.openai.com *.api.openai.com " + azureHosts
	azureHosts  = "*.openai.azure.com *.cognitiveservices.azure.com *.services.ai.azure.com"
)

var chatTable = []row{
	// Open weights of OpenAI: the rows of gpt-* are not for them. Efforts and text
	// only: inferred from its model card.
	{apis: onChat, model: "gpt-oss*", takes: Takes{
		Temperature: yes(), TopP: yes(), Penalties: yes(), Logprobs: yes(), Seed: yes(), StopSequences: ptr(4),
		Tools: yes(), ThinkingWithTools: yes(), ThinkingLevels: list("LOW MEDIUM HIGH"), Media: list(""),
	}},

	// Azure serves OpenAI's models under names of the user's own: where a deployment
	// is not named after its model, Takes has to say what it accepts. Labels: no
	// metadata documented (inferred).
	{apis: onResponses, host: azureHosts, takes: Takes{Labels: no()}},

	// xAI: NativeTavern#83 (penalties, even 0; stop on reasoning models, which all
	// current ones are). Efforts: AISDK xai/src/supports-reasoning-effort.ts,
	// opencode#39448.
	{apis: onChat, host: "api.x.ai", takes: Takes{Penalties: no(), StopSequences: ptr(0), ThinkingLevels: list("LOW MEDIUM HIGH XHIGH")}},
	{apis: onChat, host: "api.x.ai", before: 406, takes: Takes{ThinkingLevels: list("LOW MEDIUM HIGH")}},
	{apis: onChat, host: "api.x.ai", before: 404, takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH")}},
	{apis: onChat, host: "api.x.ai", before: 403, takes: Takes{ThinkingLevels: list("")}}, // inferred
	{apis: onChat, host: "api.x.ai", model: "grok-4.20-*", takes: Takes{ThinkingLevels: list("")}},

	// console.groq.com/docs/openai. A schema with tools: console.groq.com
	// docs/structured-outputs (inferred to hold still).
	{apis: onChat, host: "api.groq.com", takes: Takes{Logprobs: no(), Candidates: no(), SchemaWithTools: no()}},

	// Mistral: php-mistral#76, AISDK mistral/src: unknown fields are refused (a seed
	// goes under its own name, random_seed). Efforts: none documented.
	{apis: onChat, host: "api.mistral.ai", takes: Takes{Seed: yes(), Logprobs: no(), ThinkingLevels: list(""), Media: openaiMedia}},

	// DeepSeek: api-docs.deepseek.com/guides/thinking_mode (efforts; NONE is a switch
	// of its own);
	// llmgateway#3462 (no json_schema); AISDK (no seed, images on newer models only).
	{apis: onChat, host: "api.deepseek.com", takes: Takes{Seed: no(), Candidates: no(), JSON: yes(), Schema: no(), ThinkingLevels: list("NONE LOW HIGH MAX")}},
	{apis: onChat, host: "api.deepseek.com", model: "deepseek-chat deepseek-reasoner deepseek-v3*", takes: Takes{Media: list("")}},
	{apis: onChat, host: "api.deepseek.com", model: "deepseek-reasoner", takes: Takes{Logprobs: no(), ForcedTool: no()}},

	// Ollama: ollama/ollama fb30760 openai/openai.go. tool_choice, n and the rest are
	// ignored without a word; efforts are none to max; images inline only, no gif.
	// A format binds the whole answer, so that a model cannot call (inferred).
	{apis: onChat, host: "*:11434 ollama.com", takes: Takes{
		Candidates: no(), ForcedTool: no(), SchemaWithTools: no(), MediaURL: no(),
		Media: list("image/png image/jpeg image/webp"), ThinkingLevels: list("NONE MINIMAL LOW MEDIUM HIGH XHIGH MAX"),
	}},

	// LM Studio: lmstudio-bug-tracker#189, oh-my-pi#6925: json_object is a 400.
	{apis: onChat, host: "*:1234", takes: Takes{JSON: no()}},

	// OpenRouter drops what a model does not know and maps efforts (Operit#1048,
	// big-AGI#940); it asks OpenAI through Responses by itself (inferred).
	{apis: onChat, host: "openrouter.ai", takes: Takes{
		TopK: yes(), Tools: yes(), ThinkingWithTools: yes(), ThinkingLevels: list("NONE MINIMAL LOW MEDIUM HIGH XHIGH"),
	}},

	// top_k: AISDK; docs.fireworks.ai (inferred there).
	{apis: onChat, host: "api.together.xyz api.together.ai api.fireworks.ai", takes: Takes{TopK: yes()}},

	// Gemini behind chat completions: page-assist#418, SkyrimNet#77: unknown names
	// are refused. LOW to HIGH is what every Gemini since 2.5 maps.
	{apis: onChat, host: "generativelanguage.googleapis.com *aiplatform.googleapis.com", takes: Takes{
		Penalties: no(), Seed: no(), Logprobs: no(), ThinkingLevels: list("LOW MEDIUM HIGH"),
	}},

	// Cohere: esperanto#95: response_format with tools is refused.
	{apis: onChat, host: "api.cohere.ai api.cohere.com", takes: Takes{SchemaWithTools: no()}},
}
