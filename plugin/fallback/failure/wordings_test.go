package failure_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// The bodies are shortened from what the providers document and users report; the sources stand above each group.

// wordedErrors are told apart by their words.
func wordedErrors() []response {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	long := outcome{fallback, failure.KindContextLength, 0}
	large := outcome{fallback, failure.KindTooLarge, 0}
	invalid := outcome{fail, failure.KindInvalid, 0}
	missing := outcome{fallback, failure.KindModel, 0}
	unsupported := outcome{fallback, failure.KindUnsupported, 0}
	malformed := outcome{retry, failure.KindMalformed, 0}
	return []response{
		// LM Studio, SGLang, vLLM, TGI, Kimi, llama-cpp-python, LlamaFactory
		{"n_keep", 400, "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)", long},
		{"allowed length", 400, `{"object":"error","message":"Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).","code":400}`, long},
		{"tokens and images", 400, "The decoder prompt (length 18425) is longer than the maximum model length of 12288. For image inputs, the number of image tokens depends on the number of images.", long},
		{"sum of tokens", 422, "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens\"}", long},
		{"length and limit", 400, `{"error":{"message":"current length is 131999 while limit is 131072"}}`, long},
		{"no status", 0, "ValueError: Requested tokens (8434) exceed context window of 512", long},
		{"relay's 500", 500, `{"error":"LLM error: prompt is too long: 208310 tokens > 200000 maximum"}`, long},
		{"chinese", 400, `{"error":{"code":"1261","message":"Prompt 超长"}}`, long},
		{"a deadline is no window", 0, "context deadline exceeded (Client.Timeout or context cancellation while reading body)", outcome{fallback, failure.KindTimeout, 0}},
		{"a deadline of a token", 0, "oauth2: cannot fetch token: context deadline exceeded", outcome{fallback, failure.KindTimeout, 0}},
		{"a short name", 400, `{"error":{"message":"Invalid 'tools[3].function.name': string too long. Expected a string with maximum length 64, but got a string with length 71 instead.","code":"string_above_max_length"}}`, invalid},
		{"a parameter's maximum", 400, "{\"error\":{\"message\":\"The parameter `max_completion_tokens` is not valid: integer above maximum value, expected a value <= 12288\"}}", invalid},
		// Gemini, vLLM: a number of files is no length
		{"videos", 400, "Unable to submit request because it has 20 video files but the model only supports up to 10.", large},
		{"images", 400, `{"message":"Model 'm' supports at most 1 image per prompt."}`, large},
		{"message too long", 413, `{"detail":{"message":"The message you submitted was too long","code":"message_length_exceeds_limit"}}`, large},
		{"request too large", 0, "The request is too large to send. (6.6 MB request; 5.0 MB limit)", large},
		// Groq: https://console.groq.com/docs/errors; Ollama: https://github.com/ollama/ollama/issues/12064
		{"tool call", 400, `{"error":{"message":"Failed to call a function. Please adjust your prompt.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"x"}}`, malformed},
		{"tool call in a stream", 200, "event: error\ndata: {\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\",\"status_code\":400}}\n\n", malformed},
		{"tool call in words", 400, "Groq Error : invalid_request_error - Tool call validation failed: parameters for tool X did not match schema", malformed},
		{"JSON", 400, `{"error":{"message":"Failed to validate JSON.","code":"json_validate_failed"}}`, malformed},
		{"ollama", 500, `{"error":"error parsing tool call: raw='{x', err=unexpected end of JSON input"}`, malformed},
		{"a tool's schema of the caller", 400, `{"error":{"message":"Invalid schema for function 'f': array schema missing items"}}`, invalid},
		// Access. OpenRouter, OpenAI, Bedrock, Vercel, Ollama
		{"guardrails", 404, `{"error":{"message":"No endpoints available matching your guardrail restrictions and data policy."}}`, missing},
		{"tools at no endpoint", 404, `{"error":{"message":"No endpoints found that support tool use.","code":404}}`, missing},
		{"unverified", 400, `{"error":{"message":"Your organization must be verified to stream this model.","param":"stream","code":"unsupported_value"}}`, missing},
		{"marketplace", 403, `{"message":"Model access is denied due to IAM user not authorized to perform the required AWS Marketplace actions. If you recently fixed this issue, try again after 5 minutes."}`, missing},
		{"marketplace behind 502", 502, "Bedrock streaming failed: Model access is denied due to IAM user not authorized to perform the required AWS Marketplace actions", missing},
		{"use case", 404, `{"message":"Model use case details have not been submitted for this account. If you have filled out the form, try again in 15 minutes."}`, missing},
		{"legacy", 0, "An error occurred (ResourceNotFoundException) when calling the InvokeModel operation: Access denied. This Model is marked by provider as Legacy", missing},
		{"plan", 403, `{"error":{"message":"Free tier users do not have access to this model."}}`, missing},
		{"not found, no status", 0, "The model \"llama3.1:8b\" was not found. To download it, run `ollama run llama3.1:8b`.", missing},
		// B106. xAI, Anthropic, Gemini, Ollama, OpenAI
		{"parameter", 400, `400 "Model grok-build-0.1 does not support parameter reasoningEffort."`, unsupported},
		{"effort", 400, `{"error":{"type":"invalid_request_error","message":"This model does not support the effort parameter."}}`, unsupported},
		{"level", 400, `{"error":{"code":400,"message":"Thinking level HIGH is not supported for this model.","status":"INVALID_ARGUMENT"}}`, unsupported},
		{"level, bare", 400, `{"error":{"code":400,"message":"thinking level is not supported","status":"INVALID_ARGUMENT"}}`, unsupported},
		{"tools", 400, `{"error":"registry.ollama.ai/library/phi4:latest does not support tools"}`, unsupported},
		{"tools and effort", 400, "Function tools with reasoning_effort are not supported for gpt-6-sol in /v1/chat/completions.", unsupported},
		// The wire. Envoy, reqwest, undici, Go
		{"no content", 500, `{"error":{"message":"x","code":"MODEL_RETURNED_NO_CONTENT"}}`, outcome{retry, failure.KindEmpty, 0}},
		{"no content in words", 502, `{"error":"the upstream returned an empty response"}`, outcome{retry, failure.KindEmpty, 0}},
		{"reqwest", 0, "Streaming error: error decoding response body", outcome{retry, failure.KindTruncated, 0}},
		{"undici", 0, "TypeError: terminated", outcome{retry, failure.KindNetwork, 0}},
		{"undici, late", 0, "HeadersTimeoutError: Headers Timeout Error", outcome{fallback, failure.KindTimeout, 0}},
	}
}

// A wording of several words begins at the start of a word, and does not count after "not your".
func TestWordingsAreWords(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	invalid := outcome{fail, failure.KindInvalid, 0}
	denied := outcome{fail, failure.KindAuth, 0}
	missing := outcome{fallback, failure.KindModel, 0}
	check(t, []response{
		{"discover a budget", 400, "Could not discover the budget's unit.", invalid},
		{"moreover", 403, "Moreover, this budget belongs to another project.", denied},
		{"stop upstream", 400, "The client must not stop upstream streams.", invalid},
		{"access to items", 403, "You do not have access to items of this collection.", denied},
		{"unavailable credits", 403, "Unavailable credits service.", denied},
		{"many credits", 400, "The form has as many credits as fields.", invalid},
		{"monkey limit", 400, "turnkey limit exceeded its range", invalid},
		{"unexpired", 403, "The subscription is unexpired, but has no scope for this call.", denied},
		{"a filename", 400, "Unknown model: the filename must be that of a model.", missing},
		{"a filesystem", 404, "The model was not found in the filesystem.", missing},
		{"a file", 400, "The file of this invalid model request was not found.", invalid},
		{"that capacity", 429, "Per-deployment limits: that capacity is shared.", outcome{retry, failure.KindRateLimit, 0}},
		{"a name", 400, "maxTokens exceeds the limit of the deployment.", outcome{fallback, failure.KindContextLength, 0}},
		{"the name of a code", 500, "TeamBudget exceeded for team a", outcome{fallback, failure.KindBilling, time.Hour}},
		{"behind an escape", 400, `upstream said: b'oops\nInput is too long.'`, outcome{fallback, failure.KindContextLength, 0}},
		// Claude Code: https://github.com/anthropics/claude-code/issues/63014
		{"not the usage limit", 0, "API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited", outcome{retry, failure.KindRateLimit, 0}},
		{"not a balance", 403, "You are not a paid balance user.", outcome{fallback, failure.KindBilling, time.Hour}},
		{"not the usage limit, 429", 429, "Server is temporarily limiting requests (not your usage limit)", outcome{retry, failure.KindRateLimit, 0}},
	})
}

// B37, B106
func TestWordings(t *testing.T) { check(t, wordedErrors()) }

// B107, and whose fault a failure is.
func TestScopeOfFailures(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   failure.Scope
	}{
		{0, "iterateResponseStream: unexpected EOF", failure.ScopeModel},
		{0, `Post "https://HOST/v1": EOF`, failure.ScopeEndpoint},
		{503, "upstream connect error or disconnect/reset before headers. reset reason: connection termination", failure.ScopeEndpoint},
		{0, "13:Received RST_STREAM with error code 2", failure.ScopeEndpoint},
		{500, `{"error":{"message":"Internal error"}}`, failure.ScopeModel},
		{429, "We're sorry... but your computer or network may be sending automated queries.", failure.ScopeProvider},
		{403, "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head></html>", failure.ScopeProvider},
		{400, `{"error":{"message":"thinking level is not supported"}}`, failure.ScopeModel},
		{400, `{"error":{"message":"no","code":"tool_use_failed"}}`, failure.ScopeRequest},
	} {
		if v := atNoon.ClassifyHTTP(tt.status, nil, []byte(tt.body)); v.Scope != tt.want {
			t.Errorf("%d %s: scope %s (%s), want %s", tt.status, tt.body, v.Scope, v.Reason, tt.want)
		}
	}
}
