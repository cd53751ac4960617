package failure_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// The bodies are shortened from what the providers document and users report; the sources stand above each group.

func TestRelayAndGatewayErrors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// OpenRouter: https://openrouter.ai/docs/api-reference/errors, https://github.com/BerriAI/litellm/issues/9035
		{"openrouter credits", 402, `{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","code":402}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"openrouter per day", 429, `{"error":{"message":"Rate limit exceeded: limit_rpd/google/gemini/5","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"80","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1768608000000"}}}}`, outcome{fallback, failure.KindQuota, 28 * time.Hour}},
		{"openrouter free models", 429, `{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429}}`, outcome{fallback, failure.KindQuota, untilMidnightUTC}},
		{"openrouter upstream", 429, `{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"gemini is temporarily rate-limited upstream. Please retry shortly.","provider_name":"Google"}}}`, outcome{retry, failure.KindRateLimit, 0}},
		{"openrouter no endpoints", 404, `{"error":{"message":"No endpoints found for foo/bar.","code":404}}`, outcome{fallback, failure.KindModel, 0}},
		{"openrouter moderation", 403, `{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["violence"],"provider_name":"x"}}}`, outcome{fail, failure.KindContent, 0}},
		{"openrouter in a stream", 200, `{"id":"1","error":{"code":502,"message":"Provider disconnected unexpectedly"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}`, outcome{retry, failure.KindServer, 0}},
		// https://github.com/tailcallhq/forgecode/issues/571
		{"openrouter doubled", 402, `{"error":{"error":{"message":"More credits are required to run this request.","code":402},"code":402}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		// LiteLLM: https://github.com/jasonacox/TinyLLM/issues/17, https://github.com/BerriAI/litellm/issues/29808
		{"litellm around python", 429, `{"error":{"message":"litellm.RateLimitError: AzureException RateLimitError - Error code: 429 - {'error': {'code': '429', 'message': 'Requests have exceeded token rate limit. Please retry after 86400 seconds.'}}\nReceived Model Group=azure","type":"throttling_error","param":null,"code":"429"}}`, outcome{fallback, failure.KindQuota, 24 * time.Hour}},
		{"litellm around bytes", 0, `litellm.RateLimitError: vertex_ai_betaException - b'{\n  "error": {\n    "code": 429,\n    "message": "Resource exhausted. Please try again later.",\n    "status": "RESOURCE_EXHAUSTED"\n  }\n}\n'. Received Model Group=g`, outcome{retry, failure.KindRateLimit, 0}},
		{"litellm overloaded", 500, `{"error":{"message":"litellm.InternalServerError: AnthropicException - {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}","type":null,"code":"500"}}`, outcome{retry, failure.KindOverloaded, 0}},
		{"litellm budget", 400, `{"error":{"message":"Budget has been exceeded! Current cost: 1.0, Max budget: 0.5","type":"budget_exceeded","code":"400"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"litellm key without the model", 401, `{"error":{"message":"key not allowed, tried to use m","type":"key_model_access_denied","param":"model","code":"401"}}`, outcome{fallback, failure.KindModel, 0}},
		// https://docs.litellm.ai/docs/proxy/error_reference
		{"litellm team without the model", 401, `{"error":{"message":"team not allowed, tried to use m","type":"team_model_access_denied","param":"model","code":"401"}}`, outcome{fallback, failure.KindModel, 0}},
		// https://github.com/NVIDIA/NemoClaw/issues/11902
		{"nvidia retired model", 410, `{"type":"about:blank","title":"Gone","status":410,"detail":"The model 'a/b' has reached its end of life on 2026-08-07T09:00:00Z and is no longer available."}`, outcome{fallback, failure.KindModel, 0}},
		{"gone", 410, ``, outcome{fallback, failure.KindModel, 0}},
		{"gone for good", 410, `{"error":"Gone"}`, outcome{fallback, failure.KindModel, 0}},
		{"nvidia model", 404, `{"status":404,"title":"Not Found","detail":"Function 'f': Not found for account 'a'"}`, outcome{fallback, failure.KindModel, 0}},
		{"litellm context", 400, `{"error":{"message":"litellm.ContextWindowExceededError: BadRequestError - prompt is too long","type":"invalid_request_error","code":"400"}}`, outcome{fallback, failure.KindContextLength, 0}},
		// https://github.com/lbjlaq/Antigravity-Manager/issues/1653
		{"relay exhausted its own retries", 503, `{"error":{"id":"err_retry_exhausted","message":"All 3 attempts failed. Last status: 403 Forbidden. Error: HTTP 403: {\n \"error\": {\n \"code\": 403,\n \"message\": \"Gemini has been disabled in this account for violation of Terms of Service.\",\n \"status\": \"PERMISSION_DENIED\"\n }\n}\n","type":"permission_error"},"type":"error"}`, outcome{fail, failure.KindAuth, 0}},
		// Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
		{"bedrock throttling", 429, `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Too many tokens, please wait before trying again."}`, outcome{retry, failure.KindRateLimit, 0}},
		{"bedrock throttling, in words", 0, `ThrottlingException: Too many tokens, please wait before trying again.`, outcome{retry, failure.KindRateLimit, 0}},
		// https://github.com/Ivy-Interactive/Ivy-Tendril/issues/1756
		{"bedrock tokens of a day, through a client", 0, `Request rejected (429) - Too many tokens per day, please wait.`, outcome{fallback, failure.KindQuota, untilMidnightUTC}},
		{"bedrock tokens of a day, words alone", 0, `Too many tokens per day, please wait.`, outcome{fallback, failure.KindQuota, untilMidnightUTC}},
		{"too many of something else", 400, `{"message":"The schema has too many fields: at most 100 per object."}`, outcome{fail, failure.KindInvalid, 0}},
		{"bedrock access", 403, `{"message":"You don't have access to the model with the specified model ID."}`, outcome{fallback, failure.KindModel, 0}},
		{"bedrock model id", 400, `{"__type":"ValidationException","message":"The provided model identifier is invalid."}`, outcome{fallback, failure.KindModel, 0}},
		{"bedrock too long", 400, `{"message":"Input is too long for requested model."}`, outcome{fallback, failure.KindContextLength, 0}},
		// https://github.com/posit-dev/positron/issues/7844
		{"bedrock through JavaScript", 0, `{"name":"ThrottlingException","$fault":"client","$metadata":{"httpStatusCode":429,"attempts":3}}`, outcome{retry, failure.KindRateLimit, 0}},
		{"bedrock token", 403, `{"message":"The security token included in the request is expired"}`, outcome{fail, failure.KindAuth, 0}},

		// Limits of keys and plans: https://github.com/anthropics/claude-code/issues/29584, https://github.com/xtekky/gpt4free/issues/3456
		{"key limit", 403, `{"error":{"message":"Key limit exceeded (monthly limit)","code":403}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"beyond the plan", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"You are out of extra usage. Add more in the settings."}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"long context beyond the plan", 429, `{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}`, outcome{fallback, failure.KindTooLarge, 0}},
		{"long context not in the plan", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"The long context beta is not in this subscription."}}`, outcome{fallback, failure.KindTooLarge, 0}},
		{"usage limit", 0, `The assistant's usage limit reached`, outcome{fallback, failure.KindQuota, time.Hour}},
		{"usage limit of days", 0, `You've hit your usage limit. Upgrade, or try again in 3 days 4 hours.`, outcome{fallback, failure.KindQuota, 76 * time.Hour}},
		{"limit", 0, `You've hit your limit`, outcome{fallback, failure.KindQuota, time.Hour}},
		{"tokens of a day", 500, `{"error":"Token limit (5,000 per day) exceeded. Used: 5,090."}`, outcome{fallback, failure.KindQuota, untilMidnightUTC}},
		{"tokens of a request", 500, `{"error":"Token limit exceeded: 9000 > 8192"}`, outcome{fallback, failure.KindContextLength, 0}},
		{"model without a provider", 400, `{"error":{"message":"unknown provider for model m-high","type":"invalid_request_error"}}`, outcome{fallback, failure.KindModel, 0}},
		{"gated model", 403, `{"error":"Access to model org/m is restricted. Ask for access at its page."}`, outcome{fallback, failure.KindModel, 0}},

		// https://github.com/jmdaly/llm-github-copilot/issues/32, https://github.com/microsoft/langchainjs-for-beginners/issues/23
		{"model behind another API", 400, `{"error":{"message":"m does not answer at /chat/completions","code":"unsupported_api_for_model"}}`, outcome{fallback, failure.KindModel, 0}},
		{"model unavailable", 400, `{"error":{"code":"unavailable_model","message":"Cannot use m"}}`, outcome{fallback, failure.KindModel, 0}},
		{"model unavailable, in words", 0, `BadRequestError: 400 Unavailable model: m`, outcome{fallback, failure.KindModel, 0}},

		// Log lines: https://github.com/coze-dev/coze-studio/issues/246
		{"fields before the error", 0, `on error, info={"name":"llm","type":"chat"}, err=error, status code: 403, status: 403 Forbidden, message: Country, region, or territory not supported`, outcome{fallback, failure.KindLocation, 0}},
		{"fields before a status", 0, `{"level":"error","model":"m"} request failed: 503 Service Unavailable`, outcome{retry, failure.KindOverloaded, 0}},
		{"advice behind the error", 0, `{"error":{"message":"No such tool","code":400}} Retrying after 503 Service Unavailable, wait 5s`, outcome{fail, failure.KindInvalid, 0}},
		{"Markdown", 400, "```json\n{\"error\":{\"message\":\"The prompt is longer than the context length of `m`.\",\"type\":\"BadRequestError\"}}\n```", outcome{fallback, failure.KindContextLength, 0}},
		{"status in brackets", 0, `the call failed (502)`, outcome{retry, failure.KindServer, 0}},
		{"number in brackets", 0, `the longest name (500) is in the list`, outcome{fallback, failure.KindUnknown, 0}},

		// Web pages: https://github.com/anthropics/claude-code/issues/3197, https://github.com/langgenius/dify/issues/12276
		// and their text: https://github.com/kenvandine/gemini-desktop/issues/11
		{"text of Google's page", 0, "502. That’s an error.\n\nThe server met a temporary error.", outcome{retry, failure.KindServer, 0}},
		{"cloudflare 520", 520, `<!DOCTYPE html><html><head><title>api.anthropic.com | 520: Web server is returning an unknown error</title></head></html>`, outcome{retry, failure.KindServer, 0}},
		{"cloudflare 524", 524, `<!DOCTYPE html><html><head><title>x | 524: A timeout occurred</title></head></html>`, outcome{retry, failure.KindTimeout, 0}},
		{"nginx 502", 502, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>", outcome{retry, failure.KindServer, 0}},
		{"nginx 413", 413, `<html><head><title>413 Request Entity Too Large</title></head></html>`, outcome{fallback, failure.KindTooLarge, 0}},
		{"page without a status", 0, `<html><head><title>502 Bad Gateway</title></head></html>`, outcome{retry, failure.KindServer, 0}},
		{"page behind words", 0, `call failed (520 <!DOCTYPE html><html><head><title>llm.example | 520: Web server is returning an unknown error</title></head>`, outcome{retry, failure.KindServer, 0}},
		{"page with a port in its title", 0, `<html><head><title>llm.example:443 closed</title></head></html>`, outcome{fallback, failure.KindUnknown, 0}},
		{"page of another status than the response's", 403, `<html><head><title>502 Bad Gateway</title></head></html>`, outcome{fail, failure.KindAuth, 0}},
		{"google 404 page", 404, `<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p>The requested URL was not found on this server.`, outcome{fail, failure.KindInvalid, 0}},
		{"google 502 page", 502, `<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p>The server encountered a temporary error. Please try again in 30 seconds.`, outcome{retry, failure.KindServer, 0}},
		{"envoy", 503, `upstream connect error or disconnect/reset before headers. reset reason: connection termination`, outcome{retry, failure.KindOverloaded, 0}},
		{"load balancer", 502, `{"error":"bad gateway"}`, outcome{retry, failure.KindServer, 0}},
		{"retry words in a 4xx", 400, `{"error":{"message":"unknown value model_capacity_exhausted: retry in 2s, or rate_limit_exceeded"}}`, outcome{fail, failure.KindInvalid, 0}},
		{"unknown 4xx", 418, `{"error":"teapot"}`, outcome{fail, failure.KindInvalid, 0}},
		{"unprocessable", 422, `{"detail":[{"loc":["body","messages"],"msg":"field required","type":"value_error.missing"}]}`, outcome{fail, failure.KindInvalid, 0}},
	})
}
