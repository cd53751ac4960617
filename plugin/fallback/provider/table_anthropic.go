package provider

// Claude models behind Anthropic's Messages API, wherever it is served. Short
// names of sources: P = platform.claude.com/docs/en, SDK =
// github.com/anthropics/anthropic-sdk-go/v2 v2.15.0.

var onMessages = []API{Anthropic}

var anthropicTable = []row{
	// P/api/migration-2026-10-21: temperature, top_p and top_k are a 400 on every
	// model, even at their default; SDK v2 always asks for that version. The
	// protocol has no word for seeds, logprobs, penalties and several candidates (SDK
	// message.go). Of labels it has user_id (P/api/messages/create). Images: P/build-with-claude/vision; PDF:
	// P/build-with-claude/pdf-support; both in tool results too.
	// P/build-with-claude/structured-outputs: a schema goes with tools; there is no
	// JSON mode without one. Prefill is accepted by 4.5 while thinking is off, and
	// refused by all others (P/api/errors): it is never sent.
	{apis: onMessages, takes: Takes{
		Temperature: no(), TopP: no(), TopK: no(), Penalties: no(), Seed: no(), Logprobs: no(), Candidates: no(),
		Safety: no(), Labels: yes(), CachedContent: no(), Prefill: no(), JSON: no(), ProviderTools: list(""), Modalities: list("TEXT"),
		Media: list("image/png image/jpeg image/gif image/webp application/pdf"), MediaURL: yes(), ToolMedia: yes(),
	}},

	// The strictest: fable-5-2 and what follows. P/models/fable-5-2,
	// P/models/opus-5-5/migration-guide, P/build-with-claude/effort: adaptive
	// thinking that cannot be switched off; a tool cannot be forced.
	{apis: onMessages, model: "claude-*", takes: Takes{
		ThinkingLevels: list("LOW MEDIUM HIGH XHIGH MAX"), ThinkingBudget: noBudget(), ForcedTool: no(), Schema: yes(), SchemaWithTools: yes(),
	}},
	// P/models/haiku-5-5: disabled is accepted; forced tools are not in its list of
	// refusals (inferred).
	{apis: onMessages, model: "claude-haiku-5-5*", takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH XHIGH MAX"), ForcedTool: yes()}},
	// fable-5, mythos-5, opus-5, sonnet-5 and before: P/build-with-claude/thinking-troubleshooting.
	{apis: onMessages, model: "claude-*", before: 501, takes: Takes{ForcedTool: yes()}},
	{apis: onMessages, model: "claude-mythos-preview*", takes: Takes{ForcedTool: no()}},
	{apis: onMessages, model: "claude-opus-5 claude-sonnet-5", takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH XHIGH MAX")}},
	{apis: onMessages, model: "claude-*", before: 500, takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH XHIGH MAX")}},
	// 4.6: no xhigh (P/build-with-claude/effort). It still takes a budget, which is
	// deprecated and forbids forced tools: a level is sent instead.
	{apis: onMessages, model: "claude-*", before: 407, takes: Takes{ThinkingLevels: list("NONE LOW MEDIUM HIGH MAX")}},
	// 4.5 and before: budgets from 1024 to below max_tokens
	// (P/build-with-claude/extended-thinking); adaptive thinking is a 400.
	{apis: onMessages, model: "claude-*", before: 406, takes: Takes{ThinkingLevels: list(""), ThinkingBudget: &Budget{Min: 1024, Max: 63999, Off: true}}},
	// Structured output begins with 4.5, thinking with 3.7: inferred, the models are
	// no longer documented.
	{apis: onMessages, model: "claude-*", before: 405, takes: Takes{Schema: no()}},
	{apis: onMessages, model: "claude-*", before: 307, takes: Takes{ThinkingBudget: noBudget()}},
}
