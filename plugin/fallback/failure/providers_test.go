package failure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// noon is noon in Los Angeles, in winter: half a day before Gemini's daily quotas reset.
var noon = time.Date(2026, time.January, 15, 20, 0, 0, 0, time.UTC)

var atNoon = failure.Classifier{Now: func() time.Time { return noon }}

// outcome is what the tables compare.
type outcome struct {
	Action failure.Action
	Kind   failure.Kind
	Wait   time.Duration // RetryAfter of a retry, else Cooldown
}

func outcomeOf(v failure.Verdict) outcome {
	if v.Action == failure.Retry {
		return outcome{v.Action, v.Kind, v.RetryAfter}
	}
	return outcome{v.Action, v.Kind, v.Cooldown}
}

type response struct {
	name   string
	status int
	body   string
	want   outcome
}

func check(t *testing.T, tests []response) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := atNoon.ClassifyHTTP(tt.status, nil, []byte(tt.body))
			if diff := cmp.Diff(tt.want, outcomeOf(v)); diff != "" {
				t.Errorf("ClassifyHTTP(%d, %q): (-want +got)\n%s%s", tt.status, tt.body, diff, v.Reason)
			}
		})
	}
}

// The bodies are shortened from what the providers document and users report; the sources stand above each group.

func TestGoogleErrors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// https://ai.google.dev/gemini-api/docs/troubleshooting
		{"exhausted without details", 429, `{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}`, outcome{retry, failure.KindRateLimit, 0}},
		{"failed precondition of the free tier", 400, `{"error":{"code":400,"message":"Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.","status":"FAILED_PRECONDITION"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"invalid argument", 400, `{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"foo\".","status":"INVALID_ARGUMENT"}}`, outcome{fail, failure.KindInvalid, 0}},
		{"internal", 500, `{"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}`, outcome{retry, failure.KindServer, 0}},
		{"deadline exceeded", 504, `{"error":{"code":504,"message":"The request timed out. Please try again.","status":"DEADLINE_EXCEEDED"}}`, outcome{retry, failure.KindTimeout, 0}},
		{"high demand", 503, `{"error":{"code":503,"message":"This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later.","status":"UNAVAILABLE"}}`, outcome{retry, failure.KindOverloaded, 0}},
		{"cancelled by the server", 499, `{"error":{"code":499,"message":"The operation was cancelled.","status":"CANCELLED"}}`, outcome{retry, failure.KindServer, 0}},
		{"payload too large", 400, `{"error":{"code":400,"message":"Request payload size exceeds the limit: 20971520 bytes.","status":"INVALID_ARGUMENT"}}`, outcome{fallback, failure.KindTooLarge, 0}},
		{"only supports up to", 400, `{"error":{"code":400,"message":"Unable to submit request because the input token count is 40000 but model only supports up to 32768. Reduce the input token count and try again.","status":"INVALID_ARGUMENT"}}`, outcome{fallback, failure.KindContextLength, 0}},
		{"key expired", 400, `{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}`, outcome{fail, failure.KindAuth, 0}},
		{"model retired for new users", 404, `{"error":{"code":404,"message":"This model models/gemini-2.0-flash is no longer available to new users.","status":"NOT_FOUND"}}`, outcome{fallback, failure.KindModel, 0}},
		{"entity not found", 404, `[{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}]`, outcome{fallback, failure.KindModel, 0}},
		{"prepaid credits used up", 429, `{"error":{"code":429,"message":"Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.","status":"RESOURCE_EXHAUSTED"}}`, outcome{fallback, failure.KindBilling, time.Hour}},

		// https://github.com/continuedev/continue/issues/12781
		{"key blocked for the service", 403, `{"error":{"message":"{\n \"error\": {\n \"code\": 403,\n \"message\": \"Requests to this API generativelanguage.googleapis.com method StreamGenerateContent are blocked.\",\n \"status\": \"PERMISSION_DENIED\",\n \"details\": [{\"@type\": \"type.googleapis.com/google.rpc.ErrorInfo\", \"reason\": \"API_KEY_SERVICE_BLOCKED\"}]}}\n","code":403,"status":"Forbidden"}}`, outcome{fail, failure.KindAuth, 0}},
		// https://github.com/google-gemini/gemini-cli/issues/1343
		{"service disabled", 403, `{"error":{"code":403,"message":"Gemini for Google Cloud API has not been used in project p-1 before or it is disabled. If you enabled this API recently, wait a few minutes for the action to propagate and retry.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com","metadata":{"service":"cloudaicompanion.googleapis.com"}}]}}`, outcome{fail, failure.KindAuth, 0}},
		// https://github.com/router-for-me/CLIProxyAPI/issues/1729
		{"validation required", 403, `{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"VALIDATION_REQUIRED","domain":"cloudcode-pa.googleapis.com"}]}}`, outcome{fail, failure.KindAuth, 0}},
		{"scope insufficient", 403, `{"error":{"code":403,"message":"Request had insufficient authentication scopes.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com"}]}}`, outcome{fail, failure.KindAuth, 0}},
		{"billing disabled", 403, `{"error":{"code":403,"message":"This API method requires billing to be enabled. Please enable billing on project #1.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"BILLING_DISABLED","domain":"googleapis.com"}]}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"token expired", 401, `{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED","details":[{"reason":"ACCESS_TOKEN_EXPIRED"}]}}`, outcome{fail, failure.KindAuth, 0}},
		// https://github.com/truefoundry/models/pull/946
		{"publisher model", 404, `{'error': {'code': 404, 'message': 'Publisher Model ` + "`projects/p/locations/global/publishers/google/models/m`" + ` was not found or your project does not have access to it.', 'status': 'NOT_FOUND'}}`, outcome{fallback, failure.KindModel, 0}},

		// https://github.com/google-gemini/gemini-cli/issues/2865
		{"per minute, by message in an array", 429, `[{"error":{"code":429,"message":"Quota exceeded for quota metric 'StreamGenerateContent Requests' and limit 'StreamGenerateContent Requests per minute per user per tier' of service 'cloudcode-pa.googleapis.com' for consumer 'project_number:1'.","errors":[{"message":"Quota exceeded for quota metric 'StreamGenerateContent Requests' and limit 'StreamGenerateContent Requests per minute per user per tier'.","domain":"global","reason":"rateLimitExceeded"}],"status":"RESOURCE_EXHAUSTED"}}]`, outcome{retry, failure.KindRateLimit, time.Minute}},
		// https://github.com/google-gemini/gemini-cli/issues/2336
		{"per day, by message", 429, `{"error":{"code":429,"message":"Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com' for consumer 'project_number:1'.","status":"RESOURCE_EXHAUSTED"}}`, outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		// https://github.com/google-gemini/gemini-cli/issues/27761
		{"individual quota", 429, `{"error":{"code":429,"message":"Individual quota reached. Contact your administrator to enable overages. Resets in 2h3m4s.","status":"RESOURCE_EXHAUSTED"}}`, outcome{fallback, failure.KindQuota, 2*time.Hour + 3*time.Minute + 4*time.Second}},
		{"short reset of an exhausted quota", 429, `{"error":{"code":429,"message":"You have exhausted your capacity on this model. Your quota will reset after 2m5s.","status":"RESOURCE_EXHAUSTED","details":[{"reason":"QUOTA_EXHAUSTED","domain":"cloudcode-pa.googleapis.com"}]}}`, outcome{fallback, failure.KindQuota, 125 * time.Second}},
		{"short reset of a rate limit", 429, `{"error":{"code":429,"message":"You have exhausted your capacity on this model. Your quota will reset after 3s.","status":"RESOURCE_EXHAUSTED","details":[{"reason":"RATE_LIMIT_EXCEEDED","domain":"cloudcode-pa.googleapis.com","metadata":{"quotaResetDelay":"3.2s"}}]}}`, outcome{retry, failure.KindRateLimit, 3200 * time.Millisecond}},
		{"reset as a time only", 429, `{"error":{"code":429,"message":"You have exhausted your capacity on this model.","status":"RESOURCE_EXHAUSTED","details":[{"reason":"QUOTA_EXHAUSTED","metadata":{"quotaResetTimeStamp":"2026-01-15T21:00:00Z"}}]}}`, outcome{fallback, failure.KindQuota, time.Hour}},
		{"retry hint in the message only", 429, `{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 34.07s.","status":"RESOURCE_EXHAUSTED"}}`, outcome{retry, failure.KindRateLimit, 34070 * time.Millisecond}},
		{"per second", 429, `{"error":{"code":429,"message":"Quota exceeded for metric: generate_requests_per_second, limit: 2","status":"RESOURCE_EXHAUSTED"}}`, outcome{retry, failure.KindRateLimit, 0}},

		// SDK and gRPC texts: https://github.com/google/generative-ai-docs/issues/438
		{"grpc status", 0, `rpc error: code = ResourceExhausted desc = Quota exceeded for aiplatform.googleapis.com/generate_content_requests_per_minute_per_project_per_base_model`, outcome{retry, failure.KindRateLimit, time.Minute}},
		{"grpc unavailable", 0, `rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing"`, outcome{retry, failure.KindOverloaded, 0}},
		{"googleapi text", 0, `googleapi: Error 429: Resource has been exhausted (e.g. check quota)., rateLimitExceeded`, outcome{retry, failure.KindRateLimit, 0}},
		{"genai text", 0, `Error 503, Message: The model is overloaded. Please try again later., Status: UNAVAILABLE, Details: []`, outcome{retry, failure.KindOverloaded, 0}},
		{"grpc name in capitals", 0, `14 UNAVAILABLE: The service is currently unavailable.`, outcome{retry, failure.KindOverloaded, 0}},
		{"the same words in prose", 0, `the internal word is unavailable and unknown`, outcome{fallback, failure.KindUnknown, 0}},
		{"grpc number", 0, `{"code":8,"message":"Resource exhausted","details":[]}`, outcome{retry, failure.KindRateLimit, 0}},
		{"code assist text", 0, `Cloud Code Assist API error (429): No capacity available for model gemini-3-pro on the server`, outcome{retry, failure.KindCapacity, 0}},
	})
}

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
		{"other dialect", 429, `{"error":{"code":"rpm_rate_limit_exceeded","message":"Rate limit reached for RPM","type":"rate_limit_exceeded"},"id":"as-1"}`, outcome{retry, failure.KindRateLimit, 0}},

		// Azure: https://github.com/microsoft/sample-app-aoai-chatGPT/issues/406, https://github.com/jasonacox/TinyLLM/issues/17
		{"azure short", 429, `{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds."}}`, outcome{retry, failure.KindRateLimit, 9 * time.Second}},
		{"azure long", 429, `{"error":{"code":"429","message":"Requests have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 86400 seconds."}}`, outcome{fallback, failure.KindQuota, 24 * time.Hour}},
		{"azure content filter", 400, `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, outcome{fail, failure.KindContent, 0}},
		{"azure deployment", 404, `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`, outcome{fallback, failure.KindModel, 0}},
		{"wrong path", 404, `{"error":{"message":"Invalid URL (POST /v1/chat/completion)","type":"invalid_request_error","param":null,"code":null}}`, outcome{fail, failure.KindInvalid, 0}},
		{"azure wrong path", 404, `{"error":{"code":"404","message":"Resource not found"}}`, outcome{fail, failure.KindInvalid, 0}},
		{"azure key", 401, `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}`, outcome{fail, failure.KindAuth, 0}},
		// https://github.com/pollinations/pollinations/issues/6260
		{"azure peak load in a relay", 429, `{"success":false,"error":{"message":"azure-openai error: The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after 20 seconds.","code":"RATE_LIMITED"},"status":429}`, outcome{retry, failure.KindRateLimit, 20 * time.Second}},

		// Groq: https://github.com/continuedev/continue/issues/10920, https://github.com/HunorLaczko/ha-groq-cloud-api/issues/27
		{"groq tokens per day", 429, "{\"error\":{\"message\":\"Rate limit reached for model `llama` in organization `org_01` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}", outcome{fallback, failure.KindQuota, 578016 * time.Millisecond}},
		{"groq too large", 413, "{\"error\":{\"message\":\"Request too large for model `llama` in organization `org_01` on tokens per minute (TPM): Limit 6000, Requested 12328, please reduce your message size and try again.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}", outcome{fallback, failure.KindTooLarge, 0}},
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
		{"cohere trial", 429, `{"message":"You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key."}`, outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		{"cohere tokens", 400, `{"message":"too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs."}`, outcome{fallback, failure.KindContextLength, 0}},
		// ChatGPT back end: https://github.com/openai/codex/issues/797
		{"usage limit", 429, `{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_in_seconds":7200}}`, outcome{fallback, failure.KindQuota, 2 * time.Hour}},
	})
}

func TestAnthropicErrors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// https://docs.anthropic.com/en/api/errors
		{"bad key", 401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, outcome{fail, failure.KindAuth, 0}},
		{"permission", 403, `{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}`, outcome{fail, failure.KindAuth, 0}},
		{"model", 404, `{"type":"error","error":{"type":"not_found_error","message":"model: claude-foo"}}`, outcome{fallback, failure.KindModel, 0}},
		{"request too large", 413, `{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}`, outcome{fallback, failure.KindTooLarge, 0}},
		{"api error", 500, `{"type":"error","error":{"type":"api_error","message":"Internal server error"}}`, outcome{retry, failure.KindServer, 0}},
		{"overloaded in a stream", 200, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n", outcome{retry, failure.KindOverloaded, 0}},
		{"prompt too long", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 203456 tokens > 200000 maximum"}}`, outcome{fallback, failure.KindContextLength, 0}},
		// https://github.com/docker/docker-agent/issues/569
		{"context limit", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000\"}}", outcome{fallback, failure.KindContextLength, 0}},
		{"usage limits", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-02-01 at 00:00 UTC."}}`, outcome{fallback, failure.KindBilling, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC).Sub(noon)}},
		{"organisation disabled", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}`, outcome{fail, failure.KindAuth, 0}},
		{"content filtering", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}`, outcome{fail, failure.KindContent, 0}},
		// https://github.com/continuedev/continue/issues/9623
		{"tokens per minute", 429, `{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed the rate limit for your organization (0-1) of 30,000 input tokens per minute. Please reduce the prompt length or the maximum tokens requested, or try again later."}}`, outcome{retry, failure.KindRateLimit, time.Minute}},
		{"acceleration", 429, `{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's maximum usage increase rate for input tokens per minute. Please scale up your input tokens usage more gradually."}}`, outcome{retry, failure.KindRateLimit, time.Minute}},
		{"plain text of an SDK", 0, `POST "https://api.anthropic.com/v1/messages": 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, outcome{retry, failure.KindOverloaded, 0}},
	})
}

func TestRelayAndGatewayErrors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// OpenRouter: https://openrouter.ai/docs/api-reference/errors, https://github.com/BerriAI/litellm/issues/9035
		{"openrouter credits", 402, `{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","code":402}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"openrouter per day", 429, `{"error":{"message":"Rate limit exceeded: limit_rpd/google/gemini/5","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"80","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1768608000000"}}}}`, outcome{fallback, failure.KindQuota, 28 * time.Hour}},
		{"openrouter free models", 429, `{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429}}`, outcome{fallback, failure.KindQuota, 12 * time.Hour}},
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
		{"litellm context", 400, `{"error":{"message":"litellm.ContextWindowExceededError: BadRequestError - prompt is too long","type":"invalid_request_error","code":"400"}}`, outcome{fallback, failure.KindContextLength, 0}},
		// https://github.com/lbjlaq/Antigravity-Manager/issues/1653
		{"relay exhausted its own retries", 503, `{"error":{"id":"err_retry_exhausted","message":"All 3 attempts failed. Last status: 403 Forbidden. Error: HTTP 403: {\n \"error\": {\n \"code\": 403,\n \"message\": \"Gemini has been disabled in this account for violation of Terms of Service.\",\n \"status\": \"PERMISSION_DENIED\"\n }\n}\n","type":"permission_error"},"type":"error"}`, outcome{fail, failure.KindAuth, 0}},
		// Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
		{"bedrock throttling", 429, `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Too many tokens, please wait before trying again."}`, outcome{retry, failure.KindRateLimit, 0}},
		{"bedrock access", 403, `{"message":"You don't have access to the model with the specified model ID."}`, outcome{fallback, failure.KindModel, 0}},
		{"bedrock model id", 400, `{"__type":"ValidationException","message":"The provided model identifier is invalid."}`, outcome{fallback, failure.KindModel, 0}},
		{"bedrock too long", 400, `{"message":"Input is too long for requested model."}`, outcome{fallback, failure.KindContextLength, 0}},
		{"bedrock token", 403, `{"message":"The security token included in the request is expired"}`, outcome{fail, failure.KindAuth, 0}},

		// Web pages: https://github.com/anthropics/claude-code/issues/3197, https://github.com/langgenius/dify/issues/12276
		{"cloudflare 520", 520, `<!DOCTYPE html><html><head><title>api.anthropic.com | 520: Web server is returning an unknown error</title></head></html>`, outcome{retry, failure.KindServer, 0}},
		{"cloudflare 524", 524, `<!DOCTYPE html><html><head><title>x | 524: A timeout occurred</title></head></html>`, outcome{retry, failure.KindTimeout, 0}},
		{"nginx 502", 502, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>", outcome{retry, failure.KindServer, 0}},
		{"nginx 413", 413, `<html><head><title>413 Request Entity Too Large</title></head></html>`, outcome{fallback, failure.KindTooLarge, 0}},
		{"page without a status", 0, `<html><head><title>502 Bad Gateway</title></head></html>`, outcome{retry, failure.KindServer, 0}},
		{"google 404 page", 404, `<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p>The requested URL was not found on this server.`, outcome{fail, failure.KindInvalid, 0}},
		{"google 502 page", 502, `<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p>The server encountered a temporary error. Please try again in 30 seconds.`, outcome{retry, failure.KindServer, 0}},
		{"envoy", 503, `upstream connect error or disconnect/reset before headers. reset reason: connection termination`, outcome{retry, failure.KindOverloaded, 0}},
		{"load balancer", 502, `{"error":"bad gateway"}`, outcome{retry, failure.KindServer, 0}},
		{"retry words in a 4xx", 400, `{"error":{"message":"unknown value model_capacity_exhausted: retry in 2s, or rate_limit_exceeded"}}`, outcome{fail, failure.KindInvalid, 0}},
		{"unknown 4xx", 418, `{"error":"teapot"}`, outcome{fail, failure.KindInvalid, 0}},
		{"unprocessable", 422, `{"detail":[{"loc":["body","messages"],"msg":"field required","type":"value_error.missing"}]}`, outcome{fail, failure.KindInvalid, 0}},
	})
}

func TestTextsOfGoErrors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	const post = `doRequest: error sending request: Post "https://HOST/v1beta/models/m:generateContent": `
	check(t, []response{
		{"deadline", 0, post + "context deadline exceeded", outcome{fallback, failure.KindTimeout, 0}},
		{"client timeout", 0, post + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", outcome{fallback, failure.KindTimeout, 0}},
		{"cancelled", 0, post + "context canceled", outcome{fail, failure.KindCanceled, 0}},
		{"reset", 0, post + "read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer", outcome{retry, failure.KindNetwork, 0}},
		{"refused", 0, post + "dial tcp 127.0.0.1:1: connect: connection refused", outcome{retry, failure.KindNetwork, 0}},
		{"dns", 0, post + "dial tcp: lookup HOST: no such host", outcome{retry, failure.KindNetwork, 0}},
		{"tls", 0, post + "net/http: TLS handshake timeout", outcome{retry, failure.KindNetwork, 0}},
		{"eof", 0, post + "EOF", outcome{retry, failure.KindNetwork, 0}},
		{"unexpected eof", 0, "iterateResponseStream: error reading stream: unexpected EOF", outcome{retry, failure.KindNetwork, 0}},
		{"goaway", 0, `http2: server sent GOAWAY and closed the connection; LastStreamID=1999, ErrCode=NO_ERROR, debug=""`, outcome{retry, failure.KindNetwork, 0}},
		{"stream error", 0, "stream error: stream ID 3; INTERNAL_ERROR; received from peer", outcome{retry, failure.KindServer, 0}},
		{"dial timeout", 0, post + "dial tcp 10.0.0.1:443: i/o timeout", outcome{retry, failure.KindNetwork, 0}},
		{"certificate", 0, post + "tls: failed to verify certificate: x509: certificate signed by unknown authority", outcome{fallback, failure.KindNetwork, 0}},
		{"empty chunk", 200, "iterateResponseStream: invalid stream chunk: [{:", outcome{retry, failure.KindTruncated, 0}},
		{"half a chunk", 200, `iterateResponseStream: error unmarshalling data data: {"candidates":[{"content":{"parts":[{"text":"Hel. error: unexpected end of JSON input`, outcome{retry, failure.KindTruncated, 0}},
		{"empty response", 200, "empty response", outcome{fallback, failure.KindEmpty, 0}},
		{"adk openai empty", 200, "openai: empty response", outcome{fallback, failure.KindEmpty, 0}},
		{"no credentials", 0, "google: could not find default credentials. See https://cloud.google.com/docs/authentication", outcome{fail, failure.KindAuth, 0}},
		{"nothing known", 0, "boom", outcome{fallback, failure.KindUnknown, 0}},
	})
}

func TestAnswersThatAreFailures(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// https://ai.google.dev/api/generate-content#FinishReason
		{"malformed call", 200, `{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL","index":0}]}`, outcome{retry, failure.KindMalformed, 0}},
		{"safety", 200, `{"candidates":[{"finishReason":"SAFETY","safetyRatings":[{"category":"HARM","probability":"HIGH"}]}]}`, outcome{fail, failure.KindContent, 0}},
		{"prompt blocked", 200, `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{}}`, outcome{fail, failure.KindContent, 0}},
		{"content filter", 200, `{"choices":[{"finish_reason":"content_filter","message":{"content":""}}]}`, outcome{fail, failure.KindContent, 0}},
		{"refusal", 200, `{"type":"message","content":[],"stop_reason":"refusal"}`, outcome{fail, failure.KindContent, 0}},
		{"stream without an end", 200, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}]}\n\n", outcome{retry, failure.KindTruncated, 0}},
		{"errors in the model's words", 200, `{"candidates":[{"content":{"parts":[{"text":"{\"error\":{\"code\":401}}"}]},"finishReason":"STOP"}]}`, outcome{fallback, failure.KindUnknown, 0}},
	})
}

func TestHeadersOfResponses(t *testing.T) {
	rate := `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`
	tests := map[string]struct {
		status int
		header http.Header
		want   outcome
	}{
		"seconds":                {429, http.Header{"Retry-After": {"17"}}, outcome{failure.Retry, failure.KindRateLimit, 17 * time.Second}},
		"milliseconds":           {429, http.Header{"Retry-After-Ms": {"1500"}}, outcome{failure.Retry, failure.KindRateLimit, 1500 * time.Millisecond}},
		"the larger":             {429, http.Header{"Retry-After-Ms": {"1500"}, "Retry-After": {"2"}}, outcome{failure.Retry, failure.KindRateLimit, 2 * time.Second}},
		"date":                   {429, http.Header{"Retry-After": {noon.Add(time.Minute).Format(http.TimeFormat)}}, outcome{failure.Retry, failure.KindRateLimit, time.Minute}},
		"date by the server":     {429, http.Header{"Retry-After": {noon.Add(time.Hour).Format(http.TimeFormat)}, "Date": {noon.Add(59 * time.Minute).Format(http.TimeFormat)}}, outcome{failure.Retry, failure.KindRateLimit, time.Minute}},
		"date that passed":       {429, http.Header{"Retry-After": {noon.Add(-time.Minute).Format(http.TimeFormat)}}, outcome{failure.Retry, failure.KindRateLimit, failure.MinRetryAfter}},
		"too long":               {529, http.Header{"Retry-After": {"3600"}}, outcome{failure.Fallback, failure.KindOverloaded, time.Hour}},
		"negative":               {503, http.Header{"Retry-After": {"-3"}}, outcome{failure.Retry, failure.KindOverloaded, 0}},
		"openai, tokens left":    {429, http.Header{"X-Ratelimit-Reset-Tokens": {"6m0s"}, "X-Ratelimit-Remaining-Tokens": {"100"}, "X-Ratelimit-Reset-Requests": {"12s"}, "X-Ratelimit-Remaining-Requests": {"0"}}, outcome{failure.Retry, failure.KindRateLimit, 12 * time.Second}},
		"anthropic":              {429, http.Header{"Anthropic-Ratelimit-Requests-Reset": {noon.Add(31 * time.Second).Format(time.RFC3339)}, "Anthropic-Ratelimit-Requests-Remaining": {"0"}}, outcome{failure.Retry, failure.KindRateLimit, 31 * time.Second}},
		"hint does not undo 4xx": {400, http.Header{"Retry-After": {"1"}}, outcome{failure.Fail, failure.KindInvalid, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			body := rate
			if tt.status != 429 {
				body = ""
			}
			v := atNoon.ClassifyHTTP(tt.status, tt.header, []byte(body))
			if diff := cmp.Diff(tt.want, outcomeOf(v)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
