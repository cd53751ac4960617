package failure

import (
	"slices"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
)

// class groups the HTTP statuses for which a phrase can decide.
type class uint8

const (
	unknown class = 1 << iota // no status, or one below 400
	bad                       // 400 and other 4xx
	denied                    // 401, 403
	missing                   // 404
	limited                   // 402, 429
	server                    // 5xx

	every = unknown | bad | denied | missing | limited | server
)

func classOf(status int) class {
	switch {
	case status < 400:
		return unknown
	case status == 401 || status == 403:
		return denied
	case status == 404:
		return missing
	case status == 402 || status == 429:
		return limited
	case status < 500:
		return bad
	}
	return server
}

// wordings decide if no code has decided; firm ones decide whatever a code says. They are tried in order on lower-case text,
// and the first match decides. A wording applies only to the statuses in when: "billing" in a 429 is advice, and
// "authentication" in a 500 is an accident. Most wordings are a vendor's own; the comments name it, [vendors] has the pages
// that document them, and the tests have the messages. "a…b" matches a, followed by b in the same sentence. A wording does
// not match a text that has one of the phrases in unless.
//
// docs/errors.md lists this table.
var wordings = []struct {
	of     []vendor // the vendors that use most of the phrases
	kind   Kind
	firm   bool
	when   class
	any    []prose.Phrase
	unless []prose.Phrase
}{
	// A web page of Google's or Cloudflare's edge, which serves nothing to this address for a while.
	{[]vendor{google, cloudflare}, KindLocation, true, unknown | denied | limited | server, prose.Phrases(
		"automated queries", "unusual traffic", "you have been blocked", "attention required! | cloudflare", "just a moment...",
		"cloudflare to restrict access"), nil},
	// Alibaba reports the limit of tokens per minute as insufficient_quota, with a link to the section about it.
	{[]vendor{dashscope}, KindRateLimit, true, unknown | limited, prose.Phrases(
		"error-code#token-limit", "throttling.allocationquota", "throttling.ratequota", "throttling.burstrate"), nil},
	// LiteLLM ("ExceededBudget: … over budget", "Budget has been exceeded", "crossed budget"), Portkey, Bifrost. The budget of
	// thinking tokens or of a queue is not money.
	{[]vendor{litellm, portkey}, KindBilling, true, every, prose.Phrases(
		"budget…exceeded", "exceed…budget", "budget…crossed", "crossed…budget", "over…budget", "budget…exhausted", "budget…reached",
		"budget…used up", "budget limit", "out of budget"),
		prose.Phrases("thinking", "reasoning", "budget_tokens", "queue budget", "retry budget", "time budget", "budget tokens")},
	// The account has no access to the model. OpenAI: an unverified organisation. Bedrock: a marketplace subscription or the
	// form about the use case is missing. OpenRouter: guardrails, data policy, allowed providers. Copilot and GitHub Models:
	// terms and plans.
	{[]vendor{openai, bedrock, openrouter, copilot}, KindModel, true, every &^ limited, prose.Phrases(
		"organization must be verified", "must be verified to", "marketplace subscription", "aws marketplace", "model access is denied", "use case details",
		"guardrail restriction", "data policy", "no allowed providers", "provider restrictions", "no endpoints available",
		"before using this model", "requires terms acceptance", "free tier users do not have access"),
		prose.Phrases("terms of service", "available for service")}, // Kubernetes: a service has no endpoints
	// Groq ("Failed to call a function", "Tool call validation failed", "Failed to validate JSON"), Ollama ("error parsing tool
	// call"), llama.cpp ("Failed to parse tool call arguments"), Gemini's finish reason as text. The model's output is
	// unusable; the request is not the cause.
	{[]vendor{groq, ollama, llamacpp, google}, KindMalformed, false, unknown | bad | server, prose.Phrases(
		"failed to call a function", "tool call validation failed", "failed to validate json", "attempted to call tool", "error parsing tool call",
		"failed to parse tool call", "model generated…could not be parsed", "malformed function call", "malformed_function_call", "tool_use_failed"), nil},
	// MiniMax sends these with 500, xAI and Moonshot with 403, Anthropic and Alibaba with 400.
	{[]vendor{minimax, xai, moonshot, anthropic, glm}, KindBilling, false, every &^ missing, prose.Phrases(
		"insufficient…balance", "balance…insufficient", "balance is too low", "insufficient credit", "credit…insufficient", "insufficient funds", "out of credits",
		"no credits", "credits are depleted", "credits have been", "not enough credits", "余额不足", "餘額不足", "欠费", "额度不足", "额度已用尽"),
		prose.Phrases("no credits were")}, // "No credits were charged"
	// Quotas of plans. Claude: "session limit", "weekly limit", "hit your limit · resets 4pm (UTC)". Codex: "usage limit".
	// Ollama: "session usage limit". Copilot: "premium request allowance". Kimi: "usage limit for this period". GLM: "使用上限".
	{[]vendor{anthropic, codex, ollama, copilot, moonshot, glm}, KindQuota, false, unknown | denied | limited, prose.Phrases(
		"usage limit", "session limit", "weekly limit", "hit your limit", "limit will reset at", "limit will reset on", "your monthly limit", "your daily limit", "your weekly", "limit of your current plan", "limit of your plan",
		"premium request", "you have no quota", "exceeded your…usage", "exceeded your…allowance", "quota…refreshed in the next period", "使用上限", "使用限额", "已达上限", "达到上限", "用量上限", "次数限额", "利用上限", "사용량 한도"),
		prose.Phrases("api usage limits", "per minute", "per-minute", "every minute", "每分钟", "concurren", "并发")},
	{[]vendor{openai, anthropic, google, xai, openrouter, doubao}, KindBilling, false, unknown | bad | denied | limited, prose.Phrases(
		"credit balance", "insufficient quota", "insufficientquota", "account balance",
		"more credits", "exhausted…free trial quota", "available credits", "any credits", "purchase credits", "free credits…restricted",
		"spending cap", "spend cap", "spending limit", "spend limit", "key limit exceeded", "out of extra usage", "your extra usage", "overdue", "billing hard limit",
		"billing to be enabled", "enable billing", "billing is not enabled", "billing account",
		"check your billing details", "payment required", "api usage limits", "in arrears", "good standing", "included credits"), nil},
	// In a 429 these are advice, not the cause.
	{[]vendor{dashscope, glm, anyone}, KindBilling, false, bad | denied, slices.Concat(prose.Words("top up"), prose.Phrases(
		"top-up", "recharge", "paid balance", "payment method", "payment information", "subscription…expired", "plan…expired", "free quota…exhausted", "充值")), nil},
	{[]vendor{google, openai, anthropic}, KindLocation, false, unknown | bad | denied, prose.Phrases(
		"location is not supported", "not available in your country", "not available in your region", "country, region, or territory not supported",
		"unsupported countries", "not available in your location", "not supported in your region", "not supported in your country"), nil},
	// Azure API Management: "Out of call volume quota", "Out of bandwidth quota", "Token quota is exceeded".
	{[]vendor{azure}, KindQuota, false, denied, prose.Phrases(
		"call volume quota", "bandwidth quota", "token quota", "quota…exceeded", "exceeded…quota", "out of…quota", "quota…exhausted", "quota…replenished"), nil},
	// How many tokens a key or a plan may use, unless the text says that it is about one request.
	{[]vendor{anyone}, KindQuota, false, denied, prose.Phrases("token limit", "maximum number of tokens"),
		prose.Phrases("context", "prompt", "input", "model's", "this model", "requested", "per minute", "per-minute", "every minute")},
	// The AWS SDK found no credential. The status is that of the machine's metadata service, which it asked last.
	{[]vendor{bedrock}, KindAuth, false, every, prose.Phrases("no ec2 imds role found", "static credentials are empty"), nil},
	{[]vendor{google, openai, anthropic, bedrock, oneapi}, KindAuth, false, unknown | bad | denied, prose.Phrases(
		"api key not valid", "api key expired", "api key not found", "invalid api key", "incorrect api key", "api key was reported", "api key is invalid", "api key…revoked",
		"no api key", "missing api key", "invalid x-api-key", "has been suspended",
		"has been disabled", "verify your account", "violat…terms", "disabled…terms", "breaking the terms", "unauthorized", "authentication", "permission denied", "deactivated",
		"could not find default credentials", "could not load the default credentials", "unable to locate credentials", "before or it is disabled", "无效的令牌", "令牌已过期"), nil},
	{[]vendor{openai, google, bedrock, openrouter, ollama, copilot, dashscope, together, llamacpp, huggingface}, KindModel, false, unknown | bad | denied | missing, slices.Concat(prose.Words("have access to it"), prose.Phrases(
		"model not found", "model not exist", "is not found for api version", "access to model", "access to the model", "access to this model", "have access to…model", "not authorized to…model",
		"invalid model", "unknown model", "unavailable model", "unknown provider", "unsupported model", "decommissioned", "no longer available", "no endpoints found", "not servable", "not a valid model",
		"model identifier is invalid", "on-demand throughput", "publisher model", "no available channel for model", "model is not supported", "model…does not exist", "not found for account",
		"model…was not found", "model…is not found", "model…is not available", "model…has been retired", "model…deprecated", "reached its end of life", "no such model", "not supported by any provider",
		"not allowed to access model", "model disabled", "model is restricted", "targeted an endpoint that does not exist", "not included in your plan", "subscription…does not include", "model access denied", "dedicated endpoint…is not running",
		"no models loaded", "model unloaded", "model is unloaded", "model is not loaded", "failed to load model", "too large to be loaded", "模型不存在", "无可用渠道", "暂未开放")),
		slices.Concat(prose.Words(" file", " files"), prose.Phrases("temporarily", "file not", "cached content"))},
	{[]vendor{anthropic, google, openai, copilot}, KindTooLarge, false, unknown | bad | limited, prose.Phrases(
		"request too large", "request is too large", "payload size exceeds", "payload too large", "entity too large", "body too large", "exceeds the maximum size", "required for long context", "long context beta",
		"message you submitted was too long"), nil},
	// More images or files than the model takes: Gemini, Bedrock, vLLM ("at most 1 image(s) may be provided").
	{[]vendor{google, bedrock, anyone}, KindTooLarge, false, unknown | bad, prose.Phrases(
		"too many images", "at most…image", "only supports up to", "maximum…images", "images…exceed", "image…exceeds", "maximum…files", "files…exceed", "pages…exceed"),
		prose.Phrases("token", "context")},
	// OpenAI ("maximum context length"), Anthropic ("prompt is too long", "exceed context limit"), Gemini ("exceeds the maximum
	// number of tokens"), llama.cpp ("available context size"), LM Studio ("n_keep >= n_ctx"), Cohere ("too many tokens"), TGI
	// ("tokens must be <= 4096"), Alibaba ("Range of input length should be [1, 204800]"), Copilot ("prompt token count"), GLM ("Prompt 超长").
	{[]vendor{openai, anthropic, google, llamacpp, cohere, huggingface, dashscope, copilot, glm}, KindContextLength, false, unknown | bad | denied | server, prose.Phrases(
		"maximum number of tokens", "maximum context length", "context length", "context window", "context limit", "context size", "maximum model length",
		"prompt is too long", "input is too long", "too many tokens", "too many input tokens", "prompt token count", "only supports up to…token", "token…only supports up to", "token limit",
		"tokens…must be <=", "must have less than…token", "range of input length", "n_ctx", "n_keep", "exceeds…context", "exceed context", "exceed the…context", "too long…context", "上下文长度", "超长"),
		prose.Phrases("time frame", "time period", "deadline exceeded")},
	// The same in other words: SGLang ("exceeds the maximum allowed length"), DeepSeek, Mistral, AWS ("length is X while limit is Y").
	{[]vendor{openai, deepseek, mistral, moonshot, anyone}, KindContextLength, false, unknown | bad | server, prose.Phrases(
		"maximum…length", "length…maximum", "prompt…too long", "input…too long", "messages…too long", "conversation…too long",
		"token…exceed", "exceed…token", "input…exceed", "prompt…exceed", "length is…limit is", "length is…while limit", "longer than the maximum",
		"greater than the maximum", "larger than the maximum", "reduce the length", "reduce the prompt", "maximum sequence", "最大长度", "超过模型"),
		slices.Concat(prose.Words(" file", " files"), prose.Phrases("image", "video", "audio", "pages", "stop sequence", "string too long", "per minute", "time frame", "rate limit", "quota", "deadline exceeded"))},
	{[]vendor{openai, azure, anthropic, google, deepseek, bedrock}, KindContent, false, unknown | bad | denied, prose.Phrases(
		"content policy", "content filter", "content management policy", "responsible ai", "safety system", "flagged", "moderation", "usage policy", "usage policies",
		"prohibited content", "content exists risk", "inappropriate content", "sensitive content", "sensitive information", "sensitive words", "guardrail…denied", "guardrails…failed", "敏感内容", "不安全或敏感"), nil},
	// A 400 about a part of the request that this model does not take, but another may. Each vendor has its own words: OpenAI
	// "not supported with this model", Anthropic "not supported for this model", Gemini "is not enabled for this model",
	// llama.cpp "does not support".
	{[]vendor{openai, anthropic, google, xai, ollama, llamacpp}, KindUnsupported, false, unknown | bad, prose.Phrases(
		"by this model", "for this model", "with this model", "on this model", "this model does not support", "model does not support", "model doesn't support", "model only support", "this model only works",
		"not enabled for models/", "not supported for models/", "not supported by…model", "not supported for…model", "not supported with…model", "not supported in…model", "not enabled for…model", "not available for…model", "are not supported for",
		"not a supported thinking level", "thinking level is not supported", "thinking level…not supported", "thinking budget is not supported", "unsupported parameter", "unsupported value", "unrecognized request argument",
		"requests ending with a model turn", "does not support image", "does not support tool", "does not support system", "does not support function", "does not support thinking",
		"does not support the", "does not support parameter", "only supported by certain models", "not supported with gpt", "thinking budget…is invalid", "模型不支持"), nil},
	// The token limit is above the model's own. OpenAI "This model supports at most 16384 completion tokens", Anthropic
	// "the maximum allowed number of output tokens for".
	{[]vendor{openai, anthropic}, KindUnsupported, false, unknown | bad, prose.Phrases(
		"model supports at most…tokens", "maximum allowed number of output tokens"), nil},
	// An image or sound for a model that reads only text. llama.cpp sends this with 500.
	{[]vendor{llamacpp, anyone}, KindUnsupported, false, unknown | bad | server, prose.Phrases(
		"image input is not supported", "audio input is not supported", "video input is not supported", "unsupported content part type", "is not a multimodal model", "is not a vlm"), nil},
	// Cloudflare's AI Gateway sends these with 400.
	{[]vendor{cloudflare, openrouter}, KindServer, false, unknown | bad, prose.Phrases(
		"failed to get response from", "no response from provider", "unable to reach the provider", "provider unreachable", "upstream request failed", "finish_reason: error"),
		nil},
	// The server of the model is broken or busy. NVIDIA, LM Studio, TGI and some relays report that as a mistake of the request.
	{[]vendor{nvidia, llamacpp, huggingface, anyone}, KindCapacity, false, unknown | bad, prose.Phrases(
		"degraded function", "model has crashed", "cuda out of memory", "model is unavailable", "temporarily overloaded"), nil},
	{[]vendor{google, azure, cloudflare}, KindCapacity, false, unknown | limited | server, prose.Phrases(
		"no capacity", "out of capacity", "at capacity", "over capacity", "insufficient capacity", "capacity exceeded", "capacity temporarily exceeded"), nil},
	{[]vendor{anyone}, KindEmpty, false, server, prose.Phrases(
		"returned no content", "no content was generated", "returned an empty", "empty response", "empty completion"), nil},
	{[]vendor{google, anyone}, KindTimeout, false, server, prose.Phrases(
		"deadline expired", "timed out", "timeout"), nil},
	{[]vendor{google, openai, cerebras, anyone}, KindOverloaded, false, unknown, prose.Phrases(
		"overloaded", "high demand", "high load", "high traffic", "no healthy upstream", "model busy", "model is busy", "server busy", "server is busy",
		"繁忙", "访问量过大", "过载", "负载已饱和"), nil},
}

// wordingKind returns the kind of the first wording that matches the text for a status, or "" if none does. If firm is set,
// it tries the firm wordings only.
func wordingKind(status int, t *prose.Text, firm bool) Kind {
	if t.String() == "" {
		return ""
	}
	c := classOf(status)
	for i := range wordings {
		w := &wordings[i]
		if firm && !w.firm {
			break // the firm ones come first
		}
		if w.when&c != 0 && t.HasAny(w.any) && !t.HasAny(w.unless) {
			return w.kind
		}
	}
	return ""
}
