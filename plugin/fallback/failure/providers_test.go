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

// untilMidnightUTC is how long it is from noon until the daily quotas of others reset.
const untilMidnightUTC = 4 * time.Hour

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
