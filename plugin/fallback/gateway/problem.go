package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/printable"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// problem is the reason why a request has no answer, independent of the protocol.
type problem struct {
	status int    // HTTP status
	code   string // one of the constants below
	param  string // the wrong field of the request; "" if none is wrong
	text   string // redacted, at most maxProblem bytes
	wait   time.Duration
}

// Codes of problems. They are stable; each protocol maps them to its own words.
const (
	codeInvalid       = "invalid_request"         // 400
	codeContextLength = "context_length_exceeded" // 400
	codeContent       = "content_filter"          // 400: refused by a content policy
	codeKey           = "invalid_api_key"         // 401: a key of the gateway
	codeForbidden     = "forbidden"               // 403
	codeModel         = "model_not_found"         // 404
	codePath          = "not_found"               // 404
	codeMethod        = "method_not_allowed"      // 405
	codeTooLarge      = "request_too_large"       // 413
	codeRateLimit     = "rate_limit_exceeded"     // 429
	codeQuota         = "insufficient_quota"      // 429: a quota or a budget is used up
	codeCanceled      = "request_canceled"        // 499: for the log only
	codeServer        = "server_error"            // 500
	codeUpstream      = "upstream_error"          // 502
	codeOverloaded    = "overloaded"              // 503
	codeTimeout       = "timeout"                 // 504
)

// statusCanceled is the logged status of a request whose client disconnected, as in nginx.
const statusCanceled = 499

// maxProblem bounds the text of a problem, in bytes.
const maxProblem = 1024

// newProblem returns a problem with a text, which is redacted.
func newProblem(status int, code, param, text string) *problem {
	return &problem{status: status, code: code, param: param, text: clip.Words(redact.Text(text, maxProblem+4), maxProblem)}
}

// invalid returns the problem of a request that is not valid.
func invalid(param, text string) *problem {
	return newProblem(http.StatusBadRequest, codeInvalid, param, text)
}

// problemOf returns the problem of a call that ended with err. ctx is the request's.
func problemOf(ctx context.Context, err error) *problem {
	if ctx.Err() != nil && context.Cause(ctx) == errCut { // the client is still there
		return later(http.StatusServiceUnavailable, shortly, "the gateway is shutting down")
	}
	v := failure.Classifier{}.Classify(ctx, err)
	if v.Kind == middleware.KindRefused {
		v = called(ctx, err, v)
	}
	status, code := statusOf(v)
	if refused, ok := errors.AsType[*middleware.RefusedError](err); ok && v.Kind == middleware.KindRefused {
		status, code = statusOfRefusal(refused)
	}
	if errors.Is(err, policy.ErrNoLegalTarget) {
		status, code = http.StatusForbidden, codeForbidden
	}
	p := newProblem(status, code, "", describe(v, err))
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		p.wait = max(v.RetryAfter, v.Cooldown)
		if refused, ok := errors.AsType[*middleware.RefusedError](err); ok && p.wait == 0 && !refused.Until.IsZero() {
			p.wait = max(time.Until(refused.Until), 0)
		}
		if code != codeQuota { // only the provider knows when the quota is restored
			p.wait = max(p.wait, failure.MinRetryAfter)
		}
	}
	return p
}

// called returns the verdict of the first target that was called: err may begin with targets
// that were skipped. It returns otherwise if no target was called.
func called(ctx context.Context, err error, otherwise failure.Verdict) failure.Verdict {
	all, ok := errors.AsType[*router.AllFailedError](err)
	if !ok {
		return otherwise
	}
	for _, cause := range all.Causes {
		if v := (failure.Classifier{}).Classify(ctx, cause); v.Kind != middleware.KindRefused {
			return v
		}
	}
	return otherwise
}

// describe returns the text for a call that ended with err: the error's own text, or the
// verdict's message if that text is too long.
func describe(v failure.Verdict, err error) string {
	text := textOf(err)
	switch {
	case v.Kind == failure.KindCanceled:
		return "the client has gone"
	case len(text) > maxProblem && v.Message != "" && !hasAddress(v, err):
		return v.Message
	}
	return text
}

// textOf returns the text of err. Of a failure of the network it is the verdict's reason, as
// the error itself has addresses that clients must not learn.
func textOf(err error) string {
	if all, ok := err.(*router.AllFailedError); ok {
		var b strings.Builder
		fmt.Fprintf(&b, "no target answered (%d tried or skipped)", len(all.Causes))
		for i, cause := range all.Causes {
			fmt.Fprintf(&b, "; %d. %s", i+1, textOf(cause))
		}
		return b.String()
	}
	v := failure.Classify(err)
	if !hasAddress(v, err) {
		return err.Error()
	}
	who, _, _ := strings.Cut(err.Error(), ": ") // the target, or the provider
	return who + ": " + v.Reason
}

// hasAddress reports whether the text of an error may have the address of a server.
func hasAddress(v failure.Verdict, err error) bool {
	_, dial := errors.AsType[*net.OpError](err)
	_, lookup := errors.AsType[*net.DNSError](err)
	return v.Kind == failure.KindNetwork || dial || lookup
}

// statusOf returns the status and the code of a verdict. A provider's 401 and 403 concern the
// gateway's credentials, never the client's.
func statusOf(v failure.Verdict) (status int, code string) {
	switch v.Kind {
	case failure.KindCanceled:
		return statusCanceled, codeCanceled
	case failure.KindRateLimit:
		return http.StatusTooManyRequests, codeRateLimit
	case failure.KindQuota, failure.KindZeroQuota:
		return http.StatusTooManyRequests, codeQuota
	case failure.KindCapacity, failure.KindOverloaded:
		return http.StatusServiceUnavailable, codeOverloaded
	case failure.KindTimeout:
		return http.StatusGatewayTimeout, codeTimeout
	case failure.KindContextLength:
		return http.StatusBadRequest, codeContextLength
	case failure.KindTooLarge:
		return http.StatusRequestEntityTooLarge, codeTooLarge
	case failure.KindContent:
		return http.StatusBadRequest, codeContent
	case failure.KindInvalid, failure.KindUnsupported:
		return http.StatusBadRequest, codeInvalid
	}
	return http.StatusBadGateway, codeUpstream
}

// statusOfRefusal returns the status and the code of a call that a layer refused.
func statusOfRefusal(refused *middleware.RefusedError) (status int, code string) {
	switch refused.By {
	case "budget":
		if refused.Until.IsZero() { // more than the budget's whole limit
			return http.StatusRequestEntityTooLarge, codeTooLarge
		}
		return http.StatusTooManyRequests, codeQuota
	case "limit":
		return http.StatusTooManyRequests, codeRateLimit
	case "fit", "capability":
		return http.StatusBadRequest, codeInvalid
	case "context_window":
		return http.StatusBadRequest, codeContextLength
	}
	return http.StatusServiceUnavailable, codeOverloaded
}

// retryAfter returns the value of the header Retry-After; "" for none.
func (p *problem) retryAfter() string {
	if p.wait <= 0 {
		return ""
	}
	return strconv.Itoa(max(int(math.Ceil(p.wait.Seconds())), 1))
}

// quoted returns a name from a request in quotes, on one line.
func quoted(name string) string { return strconv.Quote(printable.Line(name, 128)) }
