package failure_test

import (
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

const plain = `{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED","details":[` +
	`{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel","quotaValue":"250"}]},` +
	`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"72193s"}]}}`

// wrap puts a body into a message, as relays and JavaScript SDKs do.
func wrap(body string) string {
	return `{"error":{"message":` + strconv.Quote(body) + `,"code":429,"status":"Too Many Requests"}}`
}

// B33
func TestEnvelopesDoNotChangeTheVerdict(t *testing.T) {
	quoted, _ := json.Marshal(plain)
	want := atNoon.ClassifyHTTP(429, nil, []byte(plain))
	if want.Action != failure.Fallback || want.Cooldown.Seconds() != 72193 {
		t.Fatalf("the plain body gives %+v", want)
	}
	for name, body := range map[string]string{
		"array":                 "[" + plain + "]",
		"spaces in an array":    "[ \n " + plain + " ]",
		"string":                string(quoted),
		"one level":             wrap(plain),
		"two levels":            wrap(wrap(plain)),
		"three levels":          wrap(wrap(wrap(plain))),
		"array in a level":      wrap("[" + plain + "]"),
		"SDK prefix":            "got status: RESOURCE_EXHAUSTED. " + plain,
		"SDK text":              "failed to call model: Error 429, Message: " + plain + ", Status: 429 Too Many Requests, Details: []",
		"stream chunk":          "iterateResponseStream: invalid stream chunk: [" + plain + "]",
		"server-sent event":     "event: error\ndata: " + plain + "\n\n",
		"relay object":          `{"error":{"message":"Quota exceeded.","type":"api_error","upstreamStatus":429,"upstreamResponse":` + plain + `}}`,
		"OpenRouter":            `{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":` + strconv.Quote(plain) + `,"provider_name":"Google"}}}`,
		"stray commas":          strings.NewReplacer(`,"status"`, `, ,"status"`, `"violations":[`, `"violations":[,`, `}]}}`, `},],},}`).Replace(plain),
		"raw newlines":          strings.ReplaceAll(plain, "Quota exceeded.", "Quota\nexceeded.\t"),
		"space before @type":    strings.ReplaceAll(plain, `"@type"`, `" @type"`),
		"no @type":              strings.NewReplacer(`"@type":"type.googleapis.com/google.rpc.QuotaFailure",`, "", `"@type":"type.googleapis.com/google.rpc.RetryInfo",`, "").Replace(plain),
		"Python":                strings.ReplaceAll(plain, `"`, `'`),
		"Python bytes":          "b'" + strings.ReplaceAll(plain, "{", `{\n `) + "'",
		"cut off":               strings.TrimRight(plain, "]}"),
		"Markdown":              "```json\n" + plain + "\n```",
		"something behind":      plain + "\nReceived Model Group=x",
		"invalid UTF-8":         strings.ReplaceAll(plain, "Quota exceeded.", "Quota \xff exceeded."),
		"web page":              "<pre>" + html.EscapeString(plain) + "</pre>",
		"curled quotes":         strings.NewReplacer(`":`, `”:`, `",`, `”,`, `"}`, `”}`, `"`, `“`).Replace(plain),
		"spaces of a web page":  strings.NewReplacer(`{`, "{\n\u00a0\u00a0", `":`, "\":\u00a0").Replace(plain),
		"two strings deep":      strconv.Quote(string(quoted)),
		"damaged around a join": strings.ReplaceAll(plain, `"details":[`, "\"details\":[\n ,  "),
	} {
		t.Run(name, func(t *testing.T) {
			got := atNoon.ClassifyHTTP(429, nil, []byte(body))
			if diff := cmp.Diff(outcomeOf(want), outcomeOf(got)); diff != "" || got.Scope != want.Scope || got.HTTPStatus != 429 {
				t.Errorf("ClassifyHTTP(%s) = %+v\n(-plain +got)\n%s", body, got, diff)
			}
		})
	}
}

// B33
func TestInnermostStatusCounts(t *testing.T) {
	v := atNoon.ClassifyHTTP(200, nil, []byte(`{"error":{"message":"relay","code":500,"inner":{"error":{"code":404,"message":"model x not found","status":"NOT_FOUND"}}}}`))
	if v.HTTPStatus != 404 || v.Kind != failure.KindModel {
		t.Errorf("ClassifyHTTP = %+v, want the inner 404", v)
	}
}

// B34
func TestOddDetailsDoNotPanic(t *testing.T) {
	for _, details := range []string{"null", `"text"`, "{}", "[]", "[null]", "[1,true,\"x\"]", `[{"@type":"type.googleapis.com/google.rpc.QuotaFailure"}]`,
		`[{"violations":null}]`, `[{"violations":{}}]`, `[{"violations":"x"}]`, `[{"violations":[null,1,[]]}]`, `[{"retryDelay":null},{"retryDelay":[]},{"retryDelay":{}}]`,
		`[{"metadata":null,"reason":7}]`, `{"violations":[{"quotaId":9,"quotaValue":{}}]}`} {
		body := fmt.Sprintf(`{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":%s}}`, details)
		if v := atNoon.ClassifyHTTP(429, nil, []byte(body)); v.Action != failure.Retry || v.Kind != failure.KindRateLimit {
			t.Errorf("details %s: %+v, want the retry of a rate limit", details, v)
		}
	}
	for _, err := range []error{
		genai.APIError{Code: 429, Details: []map[string]any{nil, {"violations": nil}, {"violations": []any{nil}}, {"metadata": 3}}},
		(*genai.APIError)(nil), genai.APIError{},
	} {
		if v := failure.Classify(err); v.Action == "" {
			t.Errorf("Classify(%T) has no action", err)
		}
	}
}

// B36, B37, B38
func TestWhoseFault(t *testing.T) {
	tests := map[string]struct {
		err      genai.APIError
		action   failure.Action
		scope    failure.Scope
		cooldown bool
	}{
		"billing":        {genai.APIError{Code: 403, Details: []map[string]any{{"reason": "BILLING_DISABLED"}}}, failure.Fallback, failure.ScopeAccount, true},
		"spend cap":      {genai.APIError{Code: 429, Message: "Your billing account has exceeded its monthly spending cap"}, failure.Fallback, failure.ScopeAccount, true},
		"no quota left":  {genai.APIError{Message: `{"error":{"type":"insufficient_quota","message":"You exceeded your current quota."}}`}, failure.Fallback, failure.ScopeAccount, true},
		"bad key":        {genai.APIError{Code: 400, Message: "API key not valid. Please pass a valid API key."}, failure.Fail, failure.ScopeAccount, false},
		"suspended":      {genai.APIError{Code: 403, Message: "Permission denied: Consumer 'projects/1' has been suspended."}, failure.Fail, failure.ScopeAccount, false},
		"disabled":       {genai.APIError{Code: 403, Details: []map[string]any{{"reason": "SERVICE_DISABLED"}}}, failure.Fail, failure.ScopeAccount, false},
		"context length": {genai.APIError{Code: 400, Message: "The input token count (134123) exceeds the maximum number of tokens allowed (131072)."}, failure.Fallback, failure.ScopeRequest, false},
		"too large":      {genai.APIError{Code: 413}, failure.Fallback, failure.ScopeRequest, false},
		"never fits":     {genai.APIError{Code: 429, Message: "Limit 30000, Requested 30601."}, failure.Fallback, failure.ScopeRequest, false},
		"location":       {genai.APIError{Code: 400, Status: "FAILED_PRECONDITION", Message: "User location is not supported for the API use."}, failure.Fallback, failure.ScopeProvider, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := failure.Classify(tt.err)
			if v.Action != tt.action || v.Scope != tt.scope || (v.Cooldown > 0) != tt.cooldown {
				t.Errorf("Classify = %+v, want %s of %s, cooldown: %v", v, tt.action, tt.scope, tt.cooldown)
			}
		})
	}
}
