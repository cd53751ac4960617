package provider

// OpenAI's own models, through Responses and through chat completions, and what
// the two protocols have no word for. Short names of sources: SPEC =
// openai/openai-openapi f85dbe2, DEPL = developers.openai.com
// guides/deployment-checklist, LL = BerriAI/litellm
// llms/openai/chat/gpt_5_transformation.py, SDK = openai/openai-go v3.

var (
	onOpenAI    = []API{Responses, Chat}
	onChat      = []API{Chat}
	onResponses = []API{Responses}

	// SPEC; openai-hd4n6.mintlify.app guides/images; files: trpc-agent-go#1816.
	openaiImages = list("image/png image/jpeg image/webp image/gif")
	openaiMedia  = append(list("application/pdf"), openaiImages...)
)

var openaiTable = []row{
	// Chat completions, whoever serves them: SPEC. Unknown names are a 400 at OpenAI
	// and at strict servers. Images in tool messages are refused or not seen
	// (openai-openapi#523). Budgets have no word: they become levels where a server's
	// are known.
	{apis: onChat, takes: Takes{
		TopK: no(), Safety: no(), Labels: no(), CachedContent: no(), Prefill: no(), StopSequences: ptr(4), ThinkingBudget: noBudget(),
		ProviderTools: list(""), Modalities: list("TEXT"), ToolMedia: no(), MediaURL: yes(),
		Media: append(list("audio/wav audio/mpeg"), openaiMedia...),
	}},

	// The strictest of gpt-6: DEPL; modelparams.dev#356 (top_p); LL PR 39631
	// (temperature). Stop sequences and seeds are not established for it: not sent.
	{apis: onOpenAI, model: "gpt-* chatgpt-*", takes: Takes{
		Temperature: no(), TopP: no(), Penalties: no(), Logprobs: no(), Seed: no(), Candidates: no(), StopSequences: ptr(0),
		ThinkingLevels: list("LOW MEDIUM HIGH XHIGH"), ThinkingBudget: noBudget(),
		JSON: yes(), Schema: yes(), SchemaWithTools: yes(), Media: openaiMedia,
	}},
	// gpt-6-astra, gpt-6.1-sol and what follows take tools through Responses alone:
	// DEPL, litellm-docs#1173. MAX: the same, Responses only.
	{apis: onChat, model: "gpt-* chatgpt-*", takes: Takes{Tools: no()}},
	{apis: onResponses, model: "gpt-6-astra* gpt-6.1-sol*", takes: Takes{ThinkingLevels: list("LOW MEDIUM HIGH XHIGH MAX")}},
	// DEPL, onyx#15008: tools in chat completions only with effort none.
	{apis: onOpenAI, model: "gpt-6-sol* gpt-6-luna*", takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH XHIGH")}},
	{apis: onChat, model: "gpt-6-sol* gpt-6-luna*", takes: Takes{Tools: yes(), ThinkingWithTools: no()}},

	// gpt-5.1 to 5.6, oldest last. Efforts: learn.microsoft.com
	// @azure/ai-projects/reasoningeffort; LL PR 34569 (5.6); opencode#4451 (5.1).
	// Temperature and logprobs are accepted with effort none alone: not sent. Seed:
	// zenn headwaters a5468c45ec2e52. Tools: pipecat#4043, openai-openapi#541.
	{apis: onOpenAI, model: "gpt-*", before: 600, takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH XHIGH MAX"), Seed: yes()}},
	{apis: onChat, model: "gpt-*", before: 600, takes: Takes{Tools: yes(), ThinkingWithTools: no()}},
	{apis: onOpenAI, model: "gpt-*", before: 506, takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH XHIGH")}},
	{apis: onChat, model: "gpt-*", before: 504, takes: Takes{ThinkingWithTools: yes()}},
	{apis: onOpenAI, model: "gpt-*", before: 502, takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH")}},
	// gpt-5, -mini, -nano: the same page; qiita nogataka.
	{apis: onOpenAI, model: "gpt-*", before: 501, takes: Takes{ThinkingLevels: list("MINIMAL LOW MEDIUM HIGH")}},
	// Pro: the same page, for gpt-5-pro; HIGH is what every later one takes too, and
	// that none takes tools in chat completions (inferred).
	{apis: onOpenAI, model: "gpt-5*-pro*", takes: Takes{ThinkingLevels: list("HIGH")}},
	{apis: onChat, model: "gpt-5*-pro*", takes: Takes{Tools: no()}},
	// gpt-5-chat-latest is a plain chat model: litellm#13781.
	{apis: onOpenAI, model: "gpt-5*-chat*", takes: Takes{Temperature: yes(), TopP: yes(), ThinkingLevels: list("")}},
	{apis: onChat, model: "gpt-5*-chat*", takes: Takes{ThinkingWithTools: yes()}},

	// gpt-4.1, gpt-4o and before: SPEC; tg-spam#304 (an effort is refused, even none).
	{apis: onOpenAI, model: "gpt-* chatgpt-*", before: 500, takes: Takes{Temperature: yes(), TopP: yes(), Logprobs: yes(), ThinkingLevels: list("")}},
	{apis: onChat, model: "gpt-* chatgpt-*", before: 500, takes: Takes{Tools: yes(), Penalties: yes(), Seed: yes(), Candidates: yes(), StopSequences: ptr(4)}},
	// Structured output begins with gpt-4o, images with gpt-4-turbo: inferred, the
	// models are no longer documented.
	{apis: onOpenAI, model: "gpt-3.5* gpt-4 gpt-4-*", takes: Takes{Schema: no(), Media: list("")}},
	{apis: onOpenAI, model: "gpt-4-turbo*", takes: Takes{Media: openaiImages}},
	// vercel/ai openai-chat-language-model.ts: no sampling on search models.
	{apis: onOpenAI, model: "gpt-4o*-search*", takes: Takes{Temperature: no(), TopP: no()}},
	// SPEC input_audio: wav and mp3, audio models alone.
	{apis: onOpenAI, model: "gpt-4o*-audio* gpt-audio*", takes: Takes{Media: list("audio/wav audio/mpeg")}},

	// o-series: the page of efforts above; smolagents#1662 (stop),
	// community.openai.com/t/1110750, nextai-translator#1781.
	{apis: onOpenAI, model: "o# o#-*", takes: Takes{
		Temperature: no(), TopP: no(), Penalties: no(), Logprobs: no(), Candidates: no(), StopSequences: ptr(0),
		ThinkingLevels: list("LOW MEDIUM HIGH"), ThinkingBudget: noBudget(), Schema: yes(), SchemaWithTools: yes(), Media: openaiMedia,
	}},
	{apis: onOpenAI, model: "o1-mini* o3-mini*", takes: Takes{Media: list("")}}, // inferred
	// openai-python#2047: neither system nor developer. Tools, schema: inferred.
	{apis: onOpenAI, model: "o1-mini* o1-preview*", takes: Takes{System: no(), Tools: no(), Schema: no(), JSON: no(), ThinkingLevels: list(""), Media: list("")}},

	// Responses has no word for these, whatever the model: SDK ResponseNewParams.
	// Labels go as metadata, which chat completions take with store alone. Images
	// in results: SDK ResponseFunctionCallOutputItemListParam.
	{apis: onResponses, takes: Takes{
		TopK: no(), Penalties: no(), Seed: no(), Candidates: no(), StopSequences: ptr(0),
		Safety: no(), Labels: yes(), CachedContent: no(), Prefill: no(), ThinkingBudget: noBudget(),
		ProviderTools: list(""), Modalities: list("TEXT"), ToolMedia: yes(), MediaURL: yes(),
	}},
}
