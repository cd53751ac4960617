package sdks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// B36: the real SDK against a real server.
func TestSDKsErrorsAreClassified(t *testing.T) {
	tests := map[string]struct {
		status     int
		retryAfter string // the header; "" for none
		body       string
		want       failure.Verdict // without the status
	}{
		"insufficient quota": {429, "", `{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":null}}`,
			failure.Verdict{Action: failure.Fallback, Kind: failure.KindBilling, Cooldown: time.Hour, Code: "insufficient_quota"}},
		"retry after header": {429, "12", `{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}`,
			failure.Verdict{Action: failure.Retry, Kind: failure.KindRateLimit, RetryAfter: 12 * time.Second, Code: "rate_limit_exceeded"}},
		"context length": {400, "", `{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}`,
			failure.Verdict{Action: failure.Fallback, Kind: failure.KindContextLength, Code: "context_length_exceeded"}},
		"not JSON": {502, "", `<html><head><title>502 Bad Gateway</title></head></html>`,
			failure.Verdict{Action: failure.Retry, Kind: failure.KindServer}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			}))
			defer srv.Close()
			client := openai.NewClient(option.WithBaseURL(srv.URL), option.WithAPIKey("test"), option.WithMaxRetries(0))
			_, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "gpt-4o"})
			v := failure.Classify(fmt.Errorf("attempt 1: %w", err))
			got, want := failure.Verdict{Action: v.Action, Kind: v.Kind, Code: v.Code, HTTPStatus: v.HTTPStatus}, tt.want
			want.HTTPStatus = tt.status
			if v.Action == failure.Retry {
				got.RetryAfter = v.RetryAfter
			} else {
				got.Cooldown = v.Cooldown
			}
			if got != want {
				t.Errorf("Classify(%v) = %+v, want %+v", err, got, want)
			}
		})
	}
}
