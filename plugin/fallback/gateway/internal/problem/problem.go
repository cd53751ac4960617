// Package problem describes why the gateway does not answer a request, independent of the
// protocol. The gateway maps errors to problems, and the protocols write them.
package problem

import (
	"net/http"
	"strconv"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/redact"
)

// Problem is the reason why a request has no answer.
type Problem struct {
	Status int           // HTTP status
	Code   string        // one of the constants below
	Param  string        // the wrong field of the request; "" if none is wrong
	Text   string        // as Redact returns it
	Wait   time.Duration // after which the client may try again; 0 if that is not known
}

// Codes of problems. They are stable; each protocol maps them to its own words.
const (
	CodeInvalid       = "invalid_request"         // 400
	CodeContextLength = "context_length_exceeded" // 400
	CodeContent       = "content_filter"          // 400: refused by a content policy
	CodeKey           = "invalid_api_key"         // 401: a key of the gateway
	CodeForbidden     = "forbidden"               // 403
	CodeModel         = "model_not_found"         // 404
	CodePath          = "not_found"               // 404
	CodeMethod        = "method_not_allowed"      // 405
	CodeTooLarge      = "request_too_large"       // 413
	CodeRateLimit     = "rate_limit_exceeded"     // 429
	CodeQuota         = "insufficient_quota"      // 429: a quota or a budget is used up
	CodeCanceled      = "request_canceled"        // 499: for the log only
	CodeServer        = "server_error"            // 500
	CodeUpstream      = "upstream_error"          // 502
	CodeOverloaded    = "overloaded"              // 503
	CodeTimeout       = "timeout"                 // 504
)

// StatusCanceled is the logged status of a request whose client disconnected, as in nginx.
const StatusCanceled = 499

// MaxText bounds the text of a problem, in bytes.
const MaxText = 1024

// New returns a problem with a text, which is redacted.
func New(status int, code, param, text string) *Problem {
	return &Problem{Status: status, Code: code, Param: param, Text: Redact(text)}
}

// Invalid returns the problem of a request that is not valid.
func Invalid(param, text string) *Problem {
	return New(http.StatusBadRequest, CodeInvalid, param, text)
}

// Redact returns a text without secrets, of at most MaxText bytes.
func Redact(text string) string { return clip.Words(redact.Text(text, MaxText+4), MaxText) }

// Quote returns a name from a request in quotes, on one line, for a text.
func Quote(name string) string { return strconv.Quote(printable.Line(name, 128)) }
