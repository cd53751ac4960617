package anthropic

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Error is an error that the server reported: an HTTP response with an error
// status, or an error inside an answer that began with status 200. Package
// failure judges the second like the first.
type Error struct {
	StatusCode int            // of the response; in an answer: the status that the API gives such an error, or 200 for a type that is not known
	Response   *http.Response // status and headers, without request and body
	Type       string         // the API's word for it, such as "overloaded_error"; "" if it gave none
	Message    string         // the API's explanation; "" if it gave none
	RequestID  string         // the API's id of the request, for its support; "" if it gave none

	raw string
}

// RawJSON returns the body, or the data of the event, as it was received: at most
// 1 MiB.
func (e *Error) RawJSON() string { return e.raw }

// maxErrorText bounds the server's words in an error message, in bytes.
const maxErrorText = 1 << 10

// Error implements error. It has the server's words, in which keys and tokens are
// redacted, but neither URL nor headers.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "anthropic: the server answered %d", e.StatusCode)
	if e.StatusCode < 400 {
		b.Reset()
		b.WriteString("anthropic: the answer holds an error")
	}
	if e.Type != "" {
		b.WriteString(" " + redact.Text(e.Type, maxErrorText))
	} else if text := http.StatusText(e.StatusCode); text != "" && e.StatusCode >= 400 {
		b.WriteString(" " + text)
	}
	if e.Message != "" {
		b.WriteString(": " + redact.Text(e.Message, maxErrorText))
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + cut(e.RequestID, maxErrorText) + ")")
	}
	return b.String()
}

// cut returns at most n bytes of s, valid as UTF-8.
func cut(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}

// statuses are those that the API gives each type of error.
// https://platform.claude.com/docs/en/api/errors
var statuses = map[string]int{
	"invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403, "not_found_error": 404,
	"conflict_error": 409, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504, "overloaded_error": 529,
}

// minSecret is the least length of a key that is looked for in what a server
// says, in bytes: shorter ones are placeholders, and part of many words.
const minSecret = 8

// newError returns the error that raw describes, a body or the data of an event.
// Of resp only status and headers are kept: its request has the key. A server
// that echoes the key does not make it appear.
func (m *Model) newError(resp *http.Response, raw string) *Error {
	raw = raw[:min(len(raw), maxErrorBody)]
	if key := m.config.APIKey; len(key) >= minSecret {
		raw = strings.ReplaceAll(raw, key, "[redacted]")
	}
	e := &Error{StatusCode: resp.StatusCode, raw: raw}
	e.Response = &http.Response{Status: resp.Status, StatusCode: resp.StatusCode, Proto: resp.Proto, Header: resp.Header, Body: http.NoBody}
	var body struct {
		Type      string          `json:"type"`
		Message   string          `json:"message"`
		Error     json.RawMessage `json:"error"`
		RequestID string          `json:"request_id"`
	}
	// Not every field has the type that it should, so errors mean nothing here.
	_ = json.Unmarshal([]byte(raw), &body)
	var inner struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body.Error, &inner) != nil || inner.Type == "" {
		inner.Type, inner.Message = body.Type, body.Message
	}
	if inner.Type != "error" {
		e.Type = inner.Type
	}
	e.Message, e.RequestID = inner.Message, body.RequestID
	if e.RequestID == "" {
		e.RequestID = resp.Header.Get("Request-Id")
	}
	if e.StatusCode < 400 {
		if status, ok := statuses[e.Type]; ok {
			e.StatusCode = status
		}
	}
	return e
}

// requestError is a request that the Messages API accepts for no model.
type requestError struct{ text string }

func (e *requestError) Error() string { return "anthropic: " + e.text }

// Verdict implements the method that package failure looks for.
func (e *requestError) Verdict() failure.Verdict {
	return failure.Verdict{Action: failure.Fail, Kind: failure.KindInvalid, Scope: failure.ScopeRequest, Message: e.Error(), Reason: "the request is not accepted"}
}
