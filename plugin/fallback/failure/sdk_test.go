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

	stdio "io"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

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
