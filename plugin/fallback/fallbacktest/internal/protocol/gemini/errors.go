package gemini

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
)

// Problem writes errors as Gemini does. The public report of each is named at the
// step of fallbacktest that makes it.
func (API) Problem(req *protocol.Request, p protocol.Problem) protocol.Status {
	switch p.Kind {
	case protocol.DailyQuota:
		return quota("PerDay", 20, 39*time.Second, req.Model)
	case protocol.MinuteQuota:
		return quota("PerMinute", 10, p.Retry, req.Model)
	case protocol.Exhausted:
		return googleError(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED",
			"Resource has been exhausted (e.g. check quota).")
	case protocol.Overloaded:
		return googleError(http.StatusServiceUnavailable, "UNAVAILABLE",
			"The model is overloaded. Please try again later.")
	case protocol.Capacity:
		return googleError(http.StatusServiceUnavailable, "UNAVAILABLE",
			"No capacity available for model "+req.Model+" on the server",
			errorInfo("MODEL_CAPACITY_EXHAUSTED", "cloudcode-pa.googleapis.com"))
	case protocol.Deadline:
		return googleError(http.StatusGatewayTimeout, "DEADLINE_EXCEEDED",
			"Deadline expired before operation could complete.")
	case protocol.ContextLength:
		return googleError(http.StatusBadRequest, "INVALID_ARGUMENT",
			"The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).")
	case protocol.InvalidKey:
		return googleError(http.StatusBadRequest, "INVALID_ARGUMENT",
			"API key not valid. Please pass a valid API key.",
			errorInfo("API_KEY_INVALID", "googleapis.com"))
	case protocol.NotFound:
		return googleError(http.StatusNotFound, "NOT_FOUND",
			"models/"+req.Model+" is not found for API version v1beta, or is not supported for generateContent. "+
				"Call ListModels to see the list of available models and their supported methods.")
	case protocol.Location:
		return googleError(http.StatusBadRequest, "FAILED_PRECONDITION",
			"User location is not supported for the API use.")
	case protocol.BadRequest:
		return googleError(http.StatusBadRequest, "INVALID_ARGUMENT", p.Text)
	}
	return googleError(http.StatusInternalServerError, "INTERNAL",
		"An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting")
}

func quota(window string, limit int, retry time.Duration, model string) protocol.Status {
	const metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
	return googleError(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED",
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
}

// googleError is a status with a google.rpc error as its body.
func googleError(code int, grpcStatus, message string, details ...map[string]any) protocol.Status {
	e := map[string]any{"code": code, "message": message, "status": grpcStatus}
	if len(details) > 0 {
		e["details"] = details
	}
	return protocol.Status{Code: code, Body: string(protocol.Encode(map[string]any{"error": e}))}
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
