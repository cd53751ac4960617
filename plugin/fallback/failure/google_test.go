package failure_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

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
		{"individual quota by reason", 429, `{"error":{"code":429,"message":"Individual quota reached. Resets in 9h22m20s.","status":"RESOURCE_EXHAUSTED","details":[{"reason":"QUOTA_EXHAUSTED","metadata":{"quotaResetDelay":"33740.9s","model":"m"}}]}}`, outcome{fallback, failure.KindQuota, 33740900 * time.Millisecond}},
		// https://github.com/lbjlaq/Antigravity-Manager/issues/1026
		{"license missing, behind a relay", 429, `{"error":{"message":"All 2 attempts failed. Last error: HTTP 403: {\"error\":{\"code\":403,\"message\":\"You lack a license.\",\"status\":\"PERMISSION_DENIED\",\"details\":[{\"reason\":\"SUBSCRIPTION_REQUIRED\"}]}}","type":"overloaded_error"},"type":"error"}`, outcome{fail, failure.KindAuth, 0}},
		{"capacity, back in ten minutes", 429, `{"error":{"code":429,"message":"No capacity available for model m on the server","status":"RESOURCE_EXHAUSTED","details":[{"reason":"MODEL_CAPACITY_EXHAUSTED"},{"retryDelay":"600s"}]}}`, outcome{fallback, failure.KindCapacity, 10 * time.Minute}},
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
		{"service not enabled, in words", 0, `Some Private API has not been used in project p before or it is disabled. Enable it, then retry.`, outcome{fail, failure.KindAuth, 0}},
		{"code assist text", 0, `Cloud Code Assist API error (429): No capacity available for model gemini-3-pro on the server`, outcome{retry, failure.KindCapacity, 0}},
	})
}

// A schema, a tool or a value of the request is no evidence, whatever it is called.
func TestWordsOfTheRequestDoNotDecideItsRefusal(t *testing.T) {
	for _, message := range []string{
		"Unknown name 'two_factor_authentication' at 'tools[0]'",
		"Invalid value at tools[0]: two_factor_authentication",
		"GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[flagged].items: missing field.",
		"tools[0].function_declarations[1].parameters.properties[billing account].type: unsupported",
		"parameters.properties[token limit].type: must be STRING",
		"Invalid value: 'my credit balance is low'",
		`Invalid JSON payload received. Unknown name "moderation" at 'generation_config': Cannot find field.`,
		"Tool `payment required` isn't valid",
	} {
		body := []byte(`{"error":{"code":400,"message":` + strconv.Quote(message) + `,"status":"INVALID_ARGUMENT"}}`)
		if v := atNoon.ClassifyHTTP(400, nil, body); v.Action != failure.Fail || v.Kind != failure.KindInvalid {
			t.Errorf("%s: %+v, want the fail of an invalid request", message, v)
		}
	}
}

func TestWordsOfTheProviderInA400StillDecide(t *testing.T) {
	for message, want := range map[string]failure.Kind{
		"input length and `max_tokens` exceed context limit":       failure.KindContextLength,
		"The model's maximum context length is in the docs' table": failure.KindContextLength,
		`"prompt is too long: 203456 tokens"`:                      failure.KindContextLength,
		"unsupported: context_length_exceeded":                     failure.KindContextLength,
		"'gpt-9' is not a valid model":                             failure.KindModel,
	} {
		if v := atNoon.ClassifyHTTP(400, nil, []byte(message)); v.Kind != want {
			t.Errorf("%s: %+v, want %s", message, v, want)
		}
	}
}
