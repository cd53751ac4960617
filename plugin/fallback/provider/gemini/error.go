package gemini

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/redact"
)

const (
	maxErrorBody = 1 << 20 // what is read of the body of an error, in bytes
	maxMessage   = 1 << 10 // what Error shows of it
	minSecret    = 8       // a shorter key, as tests use, may be part of any word
)

// Error is an error of the API, with an error status or within a stream. errors.As
// finds a genai.APIError in it.
type Error struct {
	StatusCode int            // HTTP status; for an error within a stream, the code that it names
	Response   *http.Response // for its headers; its body is closed. nil for an error within a stream

	body string
	api  genai.APIError
}

// newError returns the error that body is: an object with "error", a list of such,
// or any text. resp is nil within a stream. A server that echoes the key does not
// make it appear.
func (m *Model) newError(resp *http.Response, body []byte) *Error {
	if len(m.secret) >= minSecret {
		body = bytes.ReplaceAll(body, []byte(m.secret), []byte("[redacted]"))
	}
	e := &Error{Response: resp, body: string(body)}
	if api, ok := readError(body); ok {
		e.api = api
	} else {
		e.api.Message = strings.ToValidUTF8(strings.TrimSpace(e.body[:min(len(e.body), maxMessage)]), "\uFFFD")
	}
	if resp != nil {
		resp.Request = nil // it has the key and the prompt
		e.StatusCode = resp.StatusCode
	} else if e.api.Code >= 400 && e.api.Code < 600 {
		e.StatusCode = e.api.Code
	}
	if e.api.Code == 0 {
		e.api.Code = e.StatusCode
	}
	return e
}

// readError reads the error of a body, whatever else is wrong with it.
func readError(body []byte) (genai.APIError, bool) {
	var one struct {
		Error genai.APIError `json:"error"`
	}
	body = bytes.TrimSpace(body)
	if inner, ok := bytes.CutPrefix(body, []byte{'['}); ok {
		if err := json.NewDecoder(bytes.NewReader(inner)).Decode(&one); err != nil && one.Error.Message == "" {
			return genai.APIError{}, false
		}
	} else if err := json.Unmarshal(body, &one); err != nil && one.Error.Message == "" {
		return genai.APIError{}, false
	}
	return one.Error, one.Error.Message != "" || one.Error.Code != 0 || one.Error.Status != ""
}

// RawJSON returns the body, which is not JSON if the server sent something else.
func (e *Error) RawJSON() string { return e.body }

// Message returns the server's words. They may hold what the request held.
func (e *Error) Message() string { return e.api.Message }

// Error implements error. Keys and tokens in the server's words are redacted.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("gemini: ")
	if e.StatusCode >= 400 {
		fmt.Fprintf(&b, "status %d", e.StatusCode)
	} else {
		b.WriteString("error in the answer")
	}
	if e.api.Status != "" {
		b.WriteString(" " + e.api.Status)
	}
	if e.api.Message != "" {
		b.WriteString(": " + redact.Text(e.api.Message, maxMessage))
	}
	return b.String()
}

// Unwrap returns the error in genai's terms.
func (e *Error) Unwrap() error { return e.api }
