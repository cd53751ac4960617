package failure_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// B20, B23, B24, B27, B30, B31: fmt.Errorf with %v leaves the text of an error alone; it means the same.
func TestTextOfAnAPIErrorMeansWhatTheErrorMeans(t *testing.T) {
	info := func(code int, reason string, metadata map[string]any) genai.APIError {
		return genai.APIError{Code: code, Status: "UNAVAILABLE", Message: "You have exhausted your capacity on this model.", Details: []map[string]any{
			{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}}}
	}
	for name, err := range map[string]genai.APIError{
		"per minute":          exhausted("26s", perMinuteID),
		"per minute, ten":     exhausted("600s", perMinuteID),
		"per day":             exhausted("39s", perDayID),
		"paid per day":        exhausted("72193s", perDayID),
		"no detail":           exhausted(""),
		"zero":                withValue("0", perMinuteID),
		"exhausted for days":  info(429, "QUOTA_EXHAUSTED", map[string]any{"quotaResetDelay": "161h39m41.3s", "model": "m"}),
		"exhausted till noon": info(429, "QUOTA_EXHAUSTED", map[string]any{"quotaResetTimeStamp": noon.Add(9 * time.Hour).Format(time.RFC3339)}),
		"capacity":            info(503, "MODEL_CAPACITY_EXHAUSTED", nil),
		"billing":             info(403, "BILLING_DISABLED", nil),
		"bad key":             info(400, "API_KEY_INVALID", nil),
	} {
		t.Run(name, func(t *testing.T) {
			want, text := classifyAtNoon(t, err), fmt.Sprintf("failed to call model: %v", err)
			got := classifyAtNoon(t, errors.New(text))
			if outcomeOf(got) != outcomeOf(want) || got.Scope != want.Scope || got.HTTPStatus != want.HTTPStatus {
				t.Errorf("Classify(%s)\n got %+v\nwant %+v", text, got, want)
			}
		})
	}
}

// withValue is a 429 with one quota of the given value.
func withValue(value, id string) genai.APIError {
	err := exhausted("26s", id)
	err.Details[0]["violations"] = []any{map[string]any{"quotaId": id, "quotaValue": value}}
	return err
}

// https://github.com/google-gemini/deprecated-generative-ai-python/issues/244, https://github.com/ai-christianson/RA.Aid/issues/182
func TestPythonTexts(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	quota := func(id, value, wait string) string {
		return strings.NewReplacer("ID", id, "VALUE", value, "WAIT", wait).Replace(`429 You exceeded your current quota. [violations {
  quota_metric: "generativelanguage.googleapis.com/requests"
  quota_id: "ID"
  quota_dimensions {
    key: "model"
    value: "gemini-2.5-flash"
  }
  quota_value: VALUE
}
, retry_delay {
  seconds: WAIT
}
]`)
	}
	check(t, []response{
		{"per minute", 0, quota(perMinuteID, "20", "33"), outcome{retry, failure.KindRateLimit, 33 * time.Second}},
		{"with nanos", 0, quota(perMinuteID, "20", "33\n nanos: 500000000"), outcome{retry, failure.KindRateLimit, 33500 * time.Millisecond}},
		{"per day", 0, quota(perDayID, "20", "33"), outcome{fallback, failure.KindQuota, 12 * time.Hour}},
		{"per day, long", 0, quota(perDayID, "20", "72193"), outcome{fallback, failure.KindQuota, 72193 * time.Second}},
		{"zero", 0, quota(perMinuteID, "0", "33"), outcome{fallback, failure.KindZeroQuota, time.Hour}},
		{"zero in the metadata", 0, "429 Quota exceeded. [reason: \"RATE_LIMIT_EXCEEDED\"\nmetadata {\n  key: \"quota_limit\"\n  value: \"RequestsPerMinutePerProject\"\n}\nmetadata {\n  key: \"quota_limit_value\"\n  value: \"0\"\n}\n]",
			outcome{fallback, failure.KindZeroQuota, time.Hour}},
		{"no free tier", 0, "429 Gemini 2.5 Pro Preview doesn't have a free quota tier. [violations {\n}\n, retry_delay {\n  seconds: 33\n}\n]", outcome{fallback, failure.KindZeroQuota, time.Hour}},
		{"bad key", 0, "400 API key not valid. [reason: \"API_KEY_INVALID\"\ndomain: \"googleapis.com\"\n]", outcome{fail, failure.KindAuth, 0}},
		{"in a JSON envelope", 429, `{"error":{"message":"429 You exceeded [retry_delay {\n  seconds: 33\n}\n]","code":"429"}}`, outcome{retry, failure.KindRateLimit, 33 * time.Second}},
		{"cut off", 0, quota(perMinuteID, "20", "33")[:120], outcome{retry, failure.KindRateLimit, 0}},
	})
}

// B22
func TestStatusBeforeASentence(t *testing.T) {
	for text, want := range map[string]int{
		"429 You exceeded your current quota.": 429, "503 The model is overloaded.": 503,
		"google.api_core.exceptions.ResourceExhausted: 429 Resource exhausted.": 429,
		"failed to call model: 504 Deadline Exceeded":                           504,
		"Error 504, Message: too late":                                          504, "the answer was HTTP 502.": 502, "a status code of 503 came": 503,
		`503 None. {"detail":"later"}`: 503, "HTTP 504: <html><title>A page</title></html>": 504,
		"code 500,000": 0, "code 500.5": 0,
		"429 tokens": 0, "500 of 600 used": 0, "599 No such status": 0, "took 503 Units": 0, "999 You": 0, "429": 0,
	} {
		if v := failure.Classify(errors.New(text)); v.HTTPStatus != want {
			t.Errorf("Classify(%q) found status %d, want %d", text, v.HTTPStatus, want)
		}
	}
}

// https://github.com/google/adk-python/issues/153: a traceback's last line often has the exception and no status.
func TestExceptionThatStandsForAStatus(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		{"bad request", 0, "litellm.BadRequestError: a message with tool calls must be followed by the tools' answers", outcome{fail, failure.KindInvalid, 0}},
		{"the first one was raised", 0, "openai.BadRequestError: the tool ended with RateLimitError", outcome{fail, failure.KindInvalid, 0}},
		{"not permitted", 0, "anthropic.PermissionDeniedError: not for you", outcome{fail, failure.KindAuth, 0}},
		{"rate limit", 0, "openai.RateLimitError: slower, please", outcome{retry, failure.KindRateLimit, 0}},
		{"server", 0, "openai.InternalServerError: oh no", outcome{retry, failure.KindServer, 0}},
		{"unavailable", 0, "google.api_core.exceptions.ServiceUnavailable: The service is gone for now.", outcome{retry, failure.KindOverloaded, 0}},
		{"the text says more", 0, "litellm.ServiceUnavailableError: m is overloaded", outcome{retry, failure.KindOverloaded, 0}},
		{"any error", 0, "APIError: oh no", outcome{fallback, failure.KindUnknown, 0}},
		{"a sentence", 0, "the service unavailable to you was not asked", outcome{fallback, failure.KindUnknown, 0}},
	})
}

// https://github.com/google-gemini/gemini-cli/issues/2336: terminals break lines within a phrase, and frame them.
func TestTextOfATerminal(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		{"broken phrase", 0, "[API Error: 400 the tokens exceed the maximum\n    number of tokens allowed (131072).]", outcome{fallback, failure.KindContextLength, 0}},
		{"broken hint", 429, "Rate limit reached for m. Please try again in\n  26.6s.", outcome{retry, failure.KindRateLimit, 26600 * time.Millisecond}},
		{"framed", 403, "│  This account was disabled for breaking the terms   │\n│  of service.                                       │", outcome{fail, failure.KindAuth, 0}},
		{"framed window", 429, "│  at most 250 requests per   │\n│  day for every person       │", outcome{fallback, failure.KindQuota, untilMidnightUTC}},
		{"a list behind the status", 0, "Invalid argument provided to Gemini: 400 * Request.contents: is not specified", outcome{fail, failure.KindInvalid, 0}},
		{"a product", 0, "the area: 500 * 300", outcome{fallback, failure.KindUnknown, 0}},
		{"a response as it was sent", 0, "HTTP/2 503\r\nserver: x\r\ncontent-length: 0", outcome{retry, failure.KindOverloaded, 0}},
	})
}
