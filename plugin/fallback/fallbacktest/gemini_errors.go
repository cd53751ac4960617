package fallbacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The errors below have the shape of ones that Gemini sends. Each names a public
// report of it.

// DailyQuota is a free-tier quota of requests per day that is used up: 429. As in
// reality it comes with a RetryInfo of some seconds, which does not help.
// (https://github.com/continuedev/continue/issues/11675)
func DailyQuota() Step {
	return quota("PerDay", 20, 39*time.Second)
}

// MinuteQuota is a quota of requests per minute that is used up: 429, with a
// RetryInfo that asks to wait for retry.
// (https://ai.google.dev/gemini-api/docs/rate-limits)
func MinuteQuota(retry time.Duration) Step {
	return quota("PerMinute", 10, retry)
}

// Exhausted is a 429 that says neither which quota nor how long.
// (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Exhausted() Step {
	return apiError(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED",
		"Resource has been exhausted (e.g. check quota).")
}

// Overloaded is a model with too much traffic: 503.
// (https://github.com/continuedev/continue/issues/8308)
func Overloaded() Step {
	return apiError(http.StatusServiceUnavailable, "UNAVAILABLE",
		"The model is overloaded. Please try again later.")
}

// Capacity is a model without free capacity: 503 with the reason
// MODEL_CAPACITY_EXHAUSTED. (https://github.com/google-gemini/gemini-cli/issues/23520)
func Capacity() Step {
	return apiError(http.StatusServiceUnavailable, "UNAVAILABLE",
		"No capacity available for model %s on the server",
		errorInfo("MODEL_CAPACITY_EXHAUSTED", "cloudcode-pa.googleapis.com"))
}

// Internal is a failure of the provider itself: 500.
// (https://github.com/google-gemini/gemini-cli/issues/3665)
func Internal() Step {
	return apiError(http.StatusInternalServerError, "INTERNAL",
		"An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting")
}

// Deadline is a request that took the provider too long: 504.
// (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Deadline() Step {
	return apiError(http.StatusGatewayTimeout, "DEADLINE_EXCEEDED",
		"Deadline expired before operation could complete.")
}

// ContextLength is a prompt that exceeds the model's context window: 400.
// (https://github.com/google-gemini/gemini-cli/issues/4231)
func ContextLength() Step {
	return apiError(http.StatusBadRequest, "INVALID_ARGUMENT",
		"The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).")
}

// InvalidKey is an API key that does not exist: 400 with the reason
// API_KEY_INVALID. (https://github.com/continuedev/continue/issues/8516)
func InvalidKey() Step {
	return apiError(http.StatusBadRequest, "INVALID_ARGUMENT",
		"API key not valid. Please pass a valid API key.",
		errorInfo("API_KEY_INVALID", "googleapis.com"))
}

// NotFound is a model that does not exist, or no longer: 404. A model without a
// script gets it too. (https://github.com/karthink/gptel/issues/667)
func NotFound() Step {
	return apiError(http.StatusNotFound, "NOT_FOUND",
		"models/%s is not found for API version v1beta, or is not supported for generateContent. "+
			"Call ListModels to see the list of available models and their supported methods.")
}

// Location is a caller in a region that the API does not serve: 400.
// (https://ai.google.dev/gemini-api/docs/troubleshooting)
func Location() Step {
	return apiError(http.StatusBadRequest, "FAILED_PRECONDITION",
		"User location is not supported for the API use.")
}

func quota(window string, limit int, retry time.Duration) Step {
	const metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
	return statusStep(http.StatusTooManyRequests, func(model string) string {
		return errorBody(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED",
			fmt.Sprintf("You exceeded your current quota, please check your plan and billing details. "+
				"For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n"+
				"* Quota exceeded for metric: %s, limit: %d, model: %s\nPlease retry in %s.", metric, limit, model, seconds(retry)),
			map[string]any{
				"@type": "type.googleapis.com/google.rpc.QuotaFailure",
				"violations": []any{map[string]any{
					"quotaMetric":     metric,
					"quotaId":         "GenerateRequests" + window + "PerProjectPerModel-FreeTier",
					"quotaDimensions": map[string]any{"location": "global", "model": model},
					"quotaValue":      fmt.Sprint(limit),
				}},
			},
			map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds(retry)},
		)
	})
}

// apiError is a status with a google.rpc error as its body. A %s in the message
// stands for the model's name.
func apiError(code int, grpcStatus, message string, details ...map[string]any) Step {
	return statusStep(code, func(model string) string {
		return errorBody(code, grpcStatus, strings.Replace(message, "%s", model, 1), details...)
	})
}

func errorBody(code int, grpcStatus, message string, details ...map[string]any) string {
	e := map[string]any{"code": code, "message": message, "status": grpcStatus}
	if len(details) > 0 {
		e["details"] = details
	}
	return string(encode(map[string]any{"error": e}))
}

func errorInfo(reason, domain string) map[string]any {
	return map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain}
}

// seconds writes d as protobuf's JSON does: "26s", "1.5s"
// (https://protobuf.dev/programming-guides/json/).
func seconds(d time.Duration) string {
	s := fmt.Sprintf("%.9f", d.Seconds())
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "s"
}

// encode writes values whose types are known here. Only a caller's own tool
// arguments can fail to encode, and then the error is the document.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Appendf(nil, "fallbacktest: answer cannot be encoded: %v", err)
	}
	return b
}
