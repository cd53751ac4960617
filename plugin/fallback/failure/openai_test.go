package failure_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// The bodies are shortened from what the providers document and users report; the sources stand above each group.

func TestOpenAIFormatErrors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// https://platform.openai.com/docs/guides/error-codes
		{"bad key", 401, `{"error":{"message":"Incorrect API key provided: sk-abc***xyz.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, outcome{fail, failure.KindAuth, 0}},
		{"model not found", 404, "{\"error\":{\"message\":\"The model `gpt-9` does not exist or you do not have access to it.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"model_not_found\"}}", outcome{fallback, failure.KindModel, 0}},
		{"no access to the model", 403, "{\"error\":{\"message\":\"Project `proj_1` does not have access to model `gpt-4o`\",\"type\":\"invalid_request_error\",\"code\":\"model_not_found\"}}", outcome{fallback, failure.KindModel, 0}},
		{"context length", 400, `{"error":{"message":"This model's maximum context length is 4097 tokens, however you requested 4116 tokens. Please reduce your prompt.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, outcome{fallback, failure.KindContextLength, 0}},
		{"country", 403, `{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}`, outcome{fallback, failure.KindLocation, 0}},
		{"hard limit", 400, `{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","code":"billing_hard_limit_reached"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"not active", 429, `{"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active","param":null,"code":"billing_not_active"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"content policy", 400, `{"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","code":"content_policy_violation"}}`, outcome{fail, failure.KindContent, 0}},
		{"invalid prompt", 400, `{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","code":"invalid_prompt"}}`, outcome{fail, failure.KindContent, 0}},
		{"server error", 500, `{"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}`, outcome{retry, failure.KindServer, 0}},
		{"slow down", 503, `{"error":{"message":"Slow down","type":"server_error","code":"slow_down"}}`, outcome{retry, failure.KindOverloaded, 0}},
		{"unknown parameter", 400, `{"error":{"message":"Unknown parameter: 'foo'.","type":"invalid_request_error","param":"foo","code":"unknown_parameter"}}`, outcome{fail, failure.KindInvalid, 0}},
		// https://github.com/openai/codex/issues/797
		{"requests per day", 429, `{"error":{"message":"Rate limit reached for gpt-4o-mini in organization org-x on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`, outcome{fallback, failure.KindQuota, 432 * time.Second}},
		// https://github.com/MSU-AI-Agents/fall-2025-course/issues/76
		{"requests per day, rolling", 429, `{"error":{"message":"Rate limit reached for gpt-3.5-turbo in organization org-x on requests per day (RPD): Limit 10000, Used 10000, Requested 1. Please try again in 8.64s.","type":"requests","code":"rate_limit_exceeded"}}`, outcome{fallback, failure.KindQuota, 8640 * time.Millisecond}},
		{"requests per minute", 429, `{"error":{"message":"Rate limit reached for gpt-4 in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.","type":"requests","code":"rate_limit_exceeded"}}`, outcome{retry, failure.KindRateLimit, 20 * time.Second}},
		{"milliseconds", 429, `{"error":{"message":"Rate limit reached on tokens per min (TPM): Limit 90000, Used 89800, Requested 500. Please try again in 200ms.","type":"tokens","code":"rate_limit_exceeded"}}`, outcome{retry, failure.KindRateLimit, time.Second}},
		// https://github.com/chatboxai/chatbox/issues/1361
		{"zero images", 429, `{"error":{"code":"rate_limit_exceeded","message":"Rate limit exceeded for images per minute in organization org-x. Limit: 0/1min. Current: 1/1min.","param":null,"type":"images"}}`, outcome{fallback, failure.KindZeroQuota, time.Hour}},
		// https://github.com/PaddlePaddle/ERNIE/issues/1031
		{"other dialect", 429, `{"error":{"code":"rpm_rate_limit_exceeded","message":"Rate limit reached for RPM","type":"rate_limit_exceeded"},"id":"as-1"}`, outcome{retry, failure.KindRateLimit, time.Minute}},

		// Azure: https://github.com/microsoft/sample-app-aoai-chatGPT/issues/406, https://github.com/jasonacox/TinyLLM/issues/17
		{"azure short", 429, `{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds."}}`, outcome{retry, failure.KindRateLimit, 9 * time.Second}},
		{"azure long", 429, `{"error":{"code":"429","message":"Requests have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 86400 seconds."}}`, outcome{fallback, failure.KindQuota, 24 * time.Hour}},
		{"azure content filter", 400, `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, outcome{fail, failure.KindContent, 0}},
		{"azure deployment", 404, `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`, outcome{fallback, failure.KindModel, 0}},
		{"azure operation of another model", 400, `{"error":{"code":"OperationNotSupported","message":"This operation does not work with the model m. Choose another one."}}`, outcome{fallback, failure.KindModel, 0}},
		{"wrong path", 404, `{"error":{"message":"Invalid URL (POST /v1/chat/completion)","type":"invalid_request_error","param":null,"code":null}}`, outcome{fail, failure.KindInvalid, 0}},
		{"azure wrong path", 404, `{"error":{"code":"404","message":"Resource not found"}}`, outcome{fail, failure.KindInvalid, 0}},
		{"azure key", 401, `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}`, outcome{fail, failure.KindAuth, 0}},
		// https://github.com/pollinations/pollinations/issues/6260
		{"azure peak load in a relay", 429, `{"success":false,"error":{"message":"azure-openai error: The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after 20 seconds.","code":"RATE_LIMITED"},"status":429}`, outcome{retry, failure.KindRateLimit, 20 * time.Second}},

		// Groq: https://github.com/continuedev/continue/issues/10920, https://github.com/HunorLaczko/ha-groq-cloud-api/issues/27
		{"groq tokens per day", 429, "{\"error\":{\"message\":\"Rate limit reached for model `llama` in organization `org_01` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}", outcome{fallback, failure.KindQuota, 578016 * time.Millisecond}},
		{"groq too large", 413, "{\"error\":{\"message\":\"Request too large for model `llama` in organization `org_01` on tokens per minute (TPM): Limit 6000, Requested 12328, please reduce your message size and try again.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}", outcome{fallback, failure.KindTooLarge, 0}},
		// https://github.com/danielmiessler/Fabric/issues/364
		{"groq more than the limit, about", 429, "{\"error\":{\"message\":\"Rate limit reached for model `llama` on tokens per minute (TPM): Limit 7000, Used 0, Requested ~12000. Please try again in 42s.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}", outcome{fallback, failure.KindTooLarge, 0}},
		{"groq over capacity", 503, `{"error":{"message":"llama is currently over capacity. Please try again and back off exponentially.","type":"internal_server_error"}}`, outcome{retry, failure.KindCapacity, 0}},
		{"groq decommissioned", 400, "{\"error\":{\"message\":\"The model `mixtral` has been decommissioned and is no longer supported.\",\"type\":\"invalid_request_error\",\"code\":\"model_decommissioned\"}}", outcome{fallback, failure.KindModel, 0}},

		// DeepSeek: https://api-docs.deepseek.com/quick_start/error_codes
		{"deepseek balance", 402, `{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"deepseek model", 400, `{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, outcome{fallback, failure.KindModel, 0}},
		{"deepseek content", 400, `{"error":{"message":"Content Exists Risk","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, outcome{fail, failure.KindContent, 0}},
		// Mistral: https://docs.mistral.ai/
		{"mistral model", 400, `{"object":"error","message":"Invalid model: foo","type":"invalid_model","param":null,"code":"1500"}`, outcome{fallback, failure.KindModel, 0}},
		{"mistral rate", 429, `{"message":"Requests rate limit exceeded"}`, outcome{retry, failure.KindRateLimit, 0}},
		{"mistral capacity", 429, `{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","param":null,"code":"3505"}`, outcome{retry, failure.KindCapacity, 0}},
		// xAI: https://docs.x.ai/docs/key-information/debugging
		{"xai spend", 429, `{"code":"Some resource has been exhausted","error":"Your team has either used all available credits or reached its monthly spending limit."}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"xai key", 400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xai-abc. You can obtain an API key from https://console.x.ai."}`, outcome{fail, failure.KindAuth, 0}},
		// Cohere: https://docs.cohere.com/reference/errors
		{"cohere trial", 429, `{"message":"You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key."}`, outcome{fallback, failure.KindQuota, untilMidnightUTC}},
		{"cohere tokens", 400, `{"message":"too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs."}`, outcome{fallback, failure.KindContextLength, 0}},
		// ChatGPT back end: https://github.com/openai/codex/issues/797
		{"usage limit", 429, `{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_in_seconds":7200}}`, outcome{fallback, failure.KindQuota, 2 * time.Hour}},
		// Engines of one's own: https://github.com/ggml-org/llama.cpp/tree/master/tools/server, https://docs.vllm.ai/
		{"llama.cpp context", 400, `{"error":{"code":400,"message":"the request is larger than the slot","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":8192}}`, outcome{fallback, failure.KindContextLength, 0}},
		{"llama.cpp context, in words", 400, `{"error":{"code":400,"message":"the request exceeds the available context size","type":"invalid_request_error"}}`, outcome{fallback, failure.KindContextLength, 0}},
		{"vllm context", 400, `{"error":{"message":"The prompt (length 9001) is longer than the maximum model length of 8192.","type":"BadRequestError","code":400}}`, outcome{fallback, failure.KindContextLength, 0}},
		{"copilot context", 400, `prompt token count of 9001 exceeds the limit of 8192`, outcome{fallback, failure.KindContextLength, 0}},
		// https://platform.minimax.io/docs, https://ai.baidu.com/ai-doc/REFERENCE/Ck3dwjhhu, https://www.volcengine.com/docs/82379/1299023
		{"minimax balance", 200, `{"id":"1","choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"baidu per day", 200, `{"error_code":17,"error_msg":"daily request limit reached"}`, outcome{fallback, failure.KindQuota, untilMidnightUTC}},
		{"volcengine overdue", 403, `{"error":{"code":"AccountOverdueError","message":"The request failed.","type":"Forbidden"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"zhipu rate in a stream", 200, "data: {\"error\":{\"code\":\"1302\",\"message\":\"账户已达到速率限制\"}}\n\n", outcome{retry, failure.KindRateLimit, 0}},
		{"zhipu model", 400, `{"error":{"code":"1211","message":"模型不存在"}}`, outcome{fallback, failure.KindModel, 0}},
		{"zhipu content", 400, `{"error":{"code":"1301","message":"输入可能包含敏感内容"}}`, outcome{fail, failure.KindContent, 0}},
		{"overdue, in words", 403, `{"message":"the account has an overdue balance"}`, outcome{fallback, failure.KindBilling, time.Hour}},
		// https://replicate.com/docs/topics/predictions/rate-limits
		{"replicate", 429, `{"detail":"Request was throttled. Your rate limit resets in ~30s.","status":429}`, outcome{retry, failure.KindRateLimit, 30 * time.Second}},
		// https://console.groq.com/docs/errors
		{"groq flex tier", 498, `{"error":{"message":"Flex tier capacity exceeded","type":"requests","code":"capacity_exceeded"}}`, outcome{retry, failure.KindCapacity, 0}},
		{"groq flex tier, code alone", 0, `{"error":{"message":"no","code":"capacity_exceeded"}}`, outcome{retry, failure.KindCapacity, 0}},
		{"groq flex tier, status alone", 498, ``, outcome{retry, failure.KindCapacity, 0}},
		// https://docs.x.ai/docs/key-information/debugging
		{"xai, a new team", 403, `{"code":"x","error":"Your newly created team doesn't have any credits yet."}`, outcome{fallback, failure.KindBilling, time.Hour}},
		// https://learn.microsoft.com/azure/ai-services/translator/
		{"azure call volume", 403, `{"error":{"code":"403","message":"Out of call volume quota for AIServices F0 pricing tier. Please retry after 12 days."}}`, outcome{fallback, failure.KindQuota, 12 * 24 * time.Hour}},
	})
}
