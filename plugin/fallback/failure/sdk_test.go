package failure_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	stdio "io"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// B36: the real SDK against a real server.
func TestOpenAISDKError(t *testing.T) {
	tests := map[string]struct {
		status int
		header map[string]string
		body   string
		want   outcome
		code   string
	}{
		"insufficient quota": {429, nil, `{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":null}}`, outcome{failure.Fallback, failure.KindBilling, time.Hour}, "insufficient_quota"},
		"retry after header": {429, map[string]string{"Retry-After": "12"}, `{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}`, outcome{failure.Retry, failure.KindRateLimit, 12 * time.Second}, "rate_limit_exceeded"},
		"context length":     {400, nil, `{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}`, outcome{failure.Fallback, failure.KindContextLength, 0}, "context_length_exceeded"},
		"not JSON":           {502, nil, `<html><head><title>502 Bad Gateway</title></head></html>`, outcome{failure.Retry, failure.KindServer, 0}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				for k, v := range tt.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			})
			client := openai.NewClient(option.WithBaseURL(base), option.WithAPIKey("test"), option.WithMaxRetries(0))
			_, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "gpt-4o"})
			v := atNoon.Classify(t.Context(), fmt.Errorf("attempt 1: %w", err))
			if got := outcomeOf(v); got != tt.want || v.HTTPStatus != tt.status || v.Code != tt.code {
				t.Errorf("Classify(%v) = %+v, want %+v with status %d and code %q", err, v, tt.want, tt.status, tt.code)
			}
		})
	}
}

// anthropicLike has the shape of anthropic-sdk-go's *Error, whose Error method needs a request and a response.
type anthropicLike struct {
	StatusCode int
	Request    *http.Request
	Response   *http.Response
	raw        string
}

func (e *anthropicLike) Error() string  { return e.Request.Method + e.Response.Status }
func (e anthropicLike) RawJSON() string { return e.raw }

func TestLookAlikeSDKError(t *testing.T) {
	err := &anthropicLike{StatusCode: 529, raw: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
		Response: &http.Response{StatusCode: 529, Header: http.Header{"Retry-After": {"7"}}}}
	v := failure.Classify(err)
	if v.Action != failure.Retry || v.Kind != failure.KindOverloaded || v.RetryAfter != 7*time.Second || v.Code != "overloaded_error" {
		t.Errorf("Classify = %+v, want a retry of overloaded_error after 7s", v)
	}
}

func TestHalfFilledSDKErrorDoesNotPanic(t *testing.T) {
	for _, err := range []error{(*anthropicLike)(nil), &anthropicLike{}, (*failure.TimeoutError)(nil), (*failure.ResponseError)(nil)} {
		if v := failure.Classify(err); v.Action == "" {
			t.Errorf("Classify(%T) has no action", err)
		}
	}
}

// awsLike has the shape of the AWS SDK's response errors.
type awsLike struct{}

func (awsLike) Error() string        { return "operation error Bedrock Runtime: Converse" }
func (awsLike) HTTPStatusCode() int  { return 400 }
func (awsLike) ErrorCode() string    { return "ThrottlingException" }
func (awsLike) ErrorMessage() string { return "Too many requests, please wait before trying again." }

func TestAWSLikeError(t *testing.T) {
	v := failure.Classify(fmt.Errorf("attempt: %w", awsLike{}))
	if v.Action != failure.Retry || v.Kind != failure.KindRateLimit || v.HTTPStatus != 429 || v.Code != "ThrottlingException" {
		t.Errorf("Classify = %+v, want the retry of a ThrottlingException, whose status is 429", v)
	}
}

func TestConnectionErrors(t *testing.T) {
	post := func(err error) error { return io(&url.Error{Op: "Post", URL: "https://HOST/", Err: err}) }
	tests := map[string]struct {
		err    error
		action failure.Action
		kind   failure.Kind
	}{
		"dns":            {post(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "HOST", IsNotFound: true}}), failure.Retry, failure.KindNetwork},
		"refused":        {post(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), failure.Retry, failure.KindNetwork},
		"reset":          {post(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), failure.Retry, failure.KindNetwork},
		"eof":            {post(stdio.EOF), failure.Retry, failure.KindNetwork},
		"unexpected eof": {fmt.Errorf("stream: %w", stdio.ErrUnexpectedEOF), failure.Retry, failure.KindNetwork},
		"unknown":        {errors.New("boom"), failure.Fallback, failure.KindUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if v := failure.Classify(tt.err); v.Action != tt.action || v.Kind != tt.kind {
				t.Errorf("Classify(%v) = %+v, want %s of %s", tt.err, v, tt.action, tt.kind)
			}
		})
	}
}
