package failure

// vendor is the vendor of a code.
type vendor uint8

const (
	anyone vendor = iota // words that several vendors share
	google
	openai
	codex
	azure
	anthropic
	bedrock
	groq
	mistral
	cerebras
	nvidia
	moonshot
	glm
	dashscope
	doubao
	minimax
	openrouter
	copilot
	litellm
	oneapi
	cloudflare
	llamacpp
	baidu
	siliconflow
	oauth
	// The rest have no codes of their own that say more than a status.
	xai
	together
	huggingface
	deepseek
	cohere
	ollama
	portkey
	grpc
)

// vendors says where each vendor documents its errors and limits, and what of it is special here. docs/errors.md lists it,
// with the codes of [vocabulary].
var vendors = [...]struct {
	name, page, rule string
}{
	anyone: {"Several", "", ""},
	google: {"Google: Gemini API, Vertex AI, Code Assist", "https://ai.google.dev/gemini-api/docs/rate-limits",
		"The longest quota named in google.rpc details decides. A daily quota rests until its stated reset, else until midnight Pacific time; a quota of a minute is waited for."},
	openai: {"OpenAI", "https://platform.openai.com/docs/guides/error-codes",
		"A 429 means one of three things: wait; larger than the whole quota (Requested above Limit); out of money."},
	codex:     {"ChatGPT plans (Codex)", "https://developers.openai.com/codex/pricing", "A plan's window rests until the stated time."},
	azure:     {"Azure OpenAI, GitHub Models", "https://learn.microsoft.com/azure/ai-services/openai/quotas-limits", "Retry-After of up to five minutes is waited for. API Management's quotas come as 403 and are quotas."},
	anthropic: {"Anthropic", "https://docs.anthropic.com/en/api/errors", "A 429 with Anthropic's headers and without Retry-After is a monthly spend cap. A spend limit can also come as 400."},
	bedrock: {"AWS Bedrock", "https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html",
		"The type of the fault (`__type`, `x-amzn-errortype`, `:exception-type`) stands above the HTTP status: event streams carry 400 for everything."},
	groq:       {"Groq", "https://console.groq.com/docs/errors", "TPD and RPD are quotas of a day, TPM and RPM are waited for. A bad tool call is retried once."},
	mistral:    {"Mistral", "https://docs.mistral.ai/deployment/laplateforme/tier/", "The capacity of a service tier (3505) is retried once."},
	cerebras:   {"Cerebras", "https://inference-docs.cerebras.ai/support/rate-limits", "Tokens per minute are waited for; a full queue is an overload."},
	nvidia:     {"NVIDIA NIM", "https://docs.api.nvidia.com/nim/reference/llm-apis", "Workers that are all busy are an overload."},
	moonshot:   {"Moonshot (Kimi)", "https://platform.moonshot.cn/docs/pricing/limits", "Limits are an organisation's or a project's, so the account rests."},
	glm:        {"Z.ai (GLM)", "https://docs.z.ai/api-reference/api-code", "Resets without a zone are in China's time if the sentence is Chinese, else in UTC."},
	dashscope:  {"Alibaba Model Studio (DashScope, Qwen)", "https://help.aliyun.com/zh/model-studio/error-code", "`insufficient_quota` with a link to `#token-limit` is a rate limit."},
	doubao:     {"Volcengine Ark (Doubao)", "https://www.volcengine.com/docs/82379/1299023", "An overdue account is billing, a limit that was set in its console a quota."},
	minimax:    {"MiniMax", "https://platform.minimax.io/docs/api-reference/errorcode", "An insufficient balance comes as 500, and is billing. Numbers beside a `status_msg` are MiniMax's; in the table, `mm` marks those that other vendors use too."},
	openrouter: {"OpenRouter", "https://openrouter.ai/docs/api-reference/errors", "The upstream's own error in `metadata.raw` decides. Days end at midnight UTC."},
	copilot:    {"GitHub Copilot", "https://docs.github.com/en/copilot/concepts/rate-limits", "Premium requests and weekly limits are quotas."},
	litellm:    {"LiteLLM", "https://docs.litellm.ai/docs/proxy/error_reference", "The provider's error in the text decides. A budget is billing, whatever its status."},
	oneapi:     {"One API, New API", "https://github.com/QuantumNous/new-api", "A token without quota is billing, a saturated group a rate limit, a model without a channel is not there."},
	cloudflare: {"Cloudflare Workers AI, AI Gateway", "https://developers.cloudflare.com/workers-ai/platform/errors/",
		"Numbers in its envelope (`success`, `result`, `errors`) are its own; `cf` marks them here. Days end at midnight UTC."},
	llamacpp:    {"llama.cpp, LM Studio", "https://github.com/ggml-org/llama.cpp/tree/master/tools/server", "What does not fit the context goes to the next target."},
	baidu:       {"Baidu Qianfan", "https://cloud.baidu.com/doc/qianfan-api/s/rmwbl43x7", "Its older API sends `error_code` and `error_msg` under HTTP 200."},
	siliconflow: {"SiliconFlow", "https://docs.siliconflow.cn/en/faqs/error-code", "An insufficient balance comes as 403, and is billing."},
	oauth:       {"OAuth 2.0", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2", "A grant that ended fails."},
	xai:         {"xAI", "https://docs.x.ai/developers/rate-limits", "No credits and a monthly limit come as 403, and are billing."},
	together:    {"Together AI", "https://docs.together.ai/docs/error-codes", "A dedicated endpoint that is not running is a missing model."},
	huggingface: {"Hugging Face: router, TGI", "https://github.com/huggingface/text-generation-inference/blob/main/router/src/infer/mod.rs", "A fault while generating comes as 424, and is retried once."},
	deepseek:    {"DeepSeek", "https://api-docs.deepseek.com/quick_start/error_codes", "402 is billing, 503 an overload."},
	cohere:      {"Cohere", "https://docs.cohere.com/docs/rate-limits", "The calls per month of a trial key are a quota."},
	ollama:      {"Ollama", "https://docs.ollama.com/api/errors", "Session and weekly limits of its cloud are quotas."},
	portkey:     {"Portkey", "https://portkey.ai/docs/aigw/api-reference/inference-api/error-codes", "412 is an exhausted budget, 446 a guardrail."},
	grpc:        {"gRPC", "https://grpc.io/docs/guides/status-codes/", "Names and numbers in front of a message count as their HTTP status."},
}
