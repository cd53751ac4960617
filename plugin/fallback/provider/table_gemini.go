package provider

// Gemini models on the Gemini API and on Vertex AI. Short names of sources:
// AI = ai.google.dev/gemini-api/docs, GC = docs.cloud.google.com/
// gemini-enterprise-agent-platform, SDK = google.golang.org/genai v1.77.0.

var (
	onGoogle = []API{Gemini, Vertex}
	onStudio = []API{Gemini}
	onVertex = []API{Vertex}

	// GC/models/gemini/3-6-flash: gif is not listed.
	geminiMedia = list("image/png image/jpeg image/webp image/heic image/heif audio/* video/* application/pdf text/*")
	// GC guides 4-carbon, 4-hydrogen: office files.
	gemini4Media = append(list("application/msword application/vnd.*"), geminiMedia...)
)

var geminiTable = []row{
	// SDK models.go: what the client itself refuses for a backend. The Gemini
	// API's answer to labels is not known; clients before v1.66 refused them.
	{apis: onStudio, takes: Takes{
		Labels:        no(),
		ProviderTools: list("google_search google_search_retrieval google_maps code_execution url_context computer_use file_search mcp_servers"),
	}},
	{apis: onVertex, takes: Takes{
		Labels:        yes(),
		ProviderTools: list("google_search google_search_retrieval google_maps code_execution url_context computer_use mcp_servers retrieval enterprise_web_search parallel_ai_search exa_ai_search"),
	}},
	// AI/api GenerationConfig: five stop sequences.
	{apis: onGoogle, takes: Takes{StopSequences: ptr(5), MediaURL: yes(), Safety: yes()}},

	// Gemini 4 and whatever follows. GC guides 4-neon, 4-hydrogen, 4-carbon;
	// AI/generate-content/latest-model: levels LOW to HIGH, a budget is a 400,
	// penalties and several candidates too, no explicit caching, no model turn at
	// the end. Logprobs: carried over from 3.5-flash (mscraftsman#135).
	{apis: onGoogle, model: "gemini-*", takes: Takes{
		Penalties: no(), Logprobs: no(), Candidates: no(), CachedContent: no(), Prefill: no(),
		ThinkingLevels: list("LOW MEDIUM HIGH"), ThinkingBudget: noBudget(),
		Schema: yes(), SchemaWithTools: yes(), MixedTools: yes(),
		Modalities: list("TEXT"), Media: gemini4Media, ToolMedia: yes(),
	}},
	{apis: onGoogle, model: "gemini-4-neon* gemini-4-hydrogen*", takes: Takes{ThinkingLevels: list("LOW MEDIUM HIGH XHIGH")}},

	// Gemini 3. Penalties and the last turn: GC 3-6-flash, MisakaNet#1473,
	// LibreChat agents#323. MINIMAL: GC/models/thinking, oh-my-pi#10543. What 3.6 to
	// 3.8 make of a budget is not known: it becomes a level.
	{apis: onGoogle, model: "gemini-*", before: 400, takes: Takes{CachedContent: yes(), Media: geminiMedia}},
	{apis: onGoogle, model: "gemini-*", since: 306, before: 307, takes: Takes{ThinkingLevels: list("MINIMAL LOW MEDIUM HIGH")}},
	// Before 3.6 a budget is still read; whether 0 is accepted is not known. Prefill:
	// pipecat#5821.
	{apis: onGoogle, model: "gemini-*", before: 306, takes: Takes{
		Prefill: yes(), ThinkingLevels: list("MINIMAL LOW MEDIUM HIGH"), ThinkingBudget: &Budget{Min: 1, Max: 24576, Auto: true},
	}},
	// AI/whats-new-gemini-3.6: the rules of 3.6.
	{apis: onGoogle, model: "gemini-3.5-flash-lite*", takes: Takes{Prefill: no(), ThinkingBudget: noBudget()}},
	// GC guide 3-6-flash, table; candidates: python-genai#1723.
	{apis: onGoogle, model: "gemini-3.1-pro*", takes: Takes{ThinkingLevels: list("LOW MEDIUM HIGH"), ThinkingBudget: noBudget()}},
	{apis: onVertex, model: "gemini-3.1-pro*", takes: Takes{Candidates: yes()}},
	// gemini_ex documentation.
	{apis: onGoogle, model: "gemini-3-pro*", takes: Takes{ThinkingLevels: list("LOW HIGH"), ThinkingBudget: noBudget()}},

	// Gemini 2.5 and before. Levels: GC/models/thinking after neurolink#1707. JSON
	// with functions: python-genai#867, #706 (on Vertex AI too, although ADK v2.2.0
	// asks for both there). Search with functions: symfony/ai#803.
	// Media in results: SDK FunctionResponsePart. A part's resolution:
	// langchain4j#4389 ("not supported for this Model").
	{apis: onGoogle, model: "gemini-*", before: 300, takes: Takes{
		ThinkingLevels: list(""), SchemaWithTools: no(), MixedTools: no(), ToolMedia: no(), PartResolution: no(),
	}},
	{apis: onVertex, model: "gemini-*", before: 300, takes: Takes{Candidates: yes(), Logprobs: yes()}}, // aiplatform#3603; generative-ai#2947
	{apis: onGoogle, model: "gemini-2.5-pro*", takes: Takes{ThinkingBudget: &Budget{Min: 128, Max: 32768, Auto: true}}},
	{apis: onGoogle, model: "gemini-2.5-flash*", takes: Takes{ThinkingBudget: &Budget{Min: 1, Max: 24576, Off: true, Auto: true}}},
	{apis: onGoogle, model: "gemini-2.5-flash-lite*", takes: Takes{ThinkingBudget: &Budget{Min: 512, Max: 24576, Off: true, Auto: true}}},
	// 2.0 does not think; openai-gemini#63: it takes penalties.
	{apis: onGoogle, model: "gemini-*", before: 205, takes: Takes{Penalties: yes(), Logprobs: yes(), ThinkingBudget: noBudget()}},

	// SDK GenerateContentConfig.ResponseModalities; that other models refuse them is
	// inferred.
	{apis: onGoogle, model: "gemini-*image*", takes: Takes{Modalities: list("TEXT IMAGE")}},
	{apis: onGoogle, model: "gemini-*tts*", takes: Takes{Modalities: list("AUDIO")}},

	// Gemma, hosted. A budget is a 400, even 0, and a level is accepted by one report
	// alone (9router): neither is sent. No system instruction on some (ditto). No
	// tools and no JSON before generation 4: inferred.
	{apis: onGoogle, model: "gemma-*", takes: Takes{
		Penalties: no(), Logprobs: no(), Candidates: no(), CachedContent: no(), System: no(), ProviderTools: list(""),
		ThinkingLevels: list(""), ThinkingBudget: noBudget(), SchemaWithTools: no(), ToolMedia: no(), PartResolution: no(),
		Modalities: list("TEXT"), Media: list("image/png image/jpeg image/webp"),
	}},
	{apis: onGoogle, model: "gemma-*", before: 400, takes: Takes{Tools: no(), JSON: no(), Schema: no()}},
}
