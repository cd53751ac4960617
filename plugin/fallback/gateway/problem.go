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

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// problemOf returns the problem of a call that ended with err. ctx is the request's.
func problemOf(ctx context.Context, err error) *problem.Problem {
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
	if errors.Is(err, policy.ErrNoCompliantTarget) {
		status, code = http.StatusForbidden, problem.CodeForbidden
	}
	p := problem.New(status, code, "", describe(v, err))
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		p.Wait = max(v.RetryAfter, v.Cooldown)
		if refused, ok := errors.AsType[*middleware.RefusedError](err); ok && p.Wait == 0 && !refused.Until.IsZero() {
			p.Wait = max(time.Until(refused.Until), 0)
		}
		if code != problem.CodeQuota { // only the provider knows when the quota is restored
			p.Wait = max(p.Wait, failure.MinRetryAfter)
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
	case len(text) > problem.MaxText && v.Message != "" && !hasAddress(v, err):
		return v.Message
	}
	return text
}

// textOf returns the text of err. For a failure of the network or a wrong address, it returns the
// verdict's reason, because err contains addresses that clients must not learn.
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
	return v.Kind == failure.KindNetwork || isMisplaced(v) || dial || lookup
}

// isMisplaced reports whether a call has failed because the model's address is wrong, for example
// because it redirects to another server.
func isMisplaced(v failure.Verdict) bool {
	return v.Kind == failure.KindInvalid && v.Scope == failure.ScopeEndpoint
}

// statusOf returns the status and the code of a verdict. A provider's 401 and 403 concern the
// gateway's credentials, never the client's, and a wrong address is a mistake in its policy.
func statusOf(v failure.Verdict) (status int, code string) {
	if isMisplaced(v) {
		return http.StatusBadGateway, problem.CodeUpstream
	}
	switch v.Kind {
	case failure.KindCanceled:
		return problem.StatusCanceled, problem.CodeCanceled
	case failure.KindRateLimit:
		return http.StatusTooManyRequests, problem.CodeRateLimit
	case failure.KindQuota, failure.KindZeroQuota:
		return http.StatusTooManyRequests, problem.CodeQuota
	case failure.KindCapacity, failure.KindOverloaded:
		return http.StatusServiceUnavailable, problem.CodeOverloaded
	case failure.KindTimeout:
		return http.StatusGatewayTimeout, problem.CodeTimeout
	case failure.KindContextLength:
		return http.StatusBadRequest, problem.CodeContextLength
	case failure.KindTooLarge:
		return http.StatusRequestEntityTooLarge, problem.CodeTooLarge
	case failure.KindContent:
		return http.StatusBadRequest, problem.CodeContent
	case failure.KindInvalid, failure.KindUnsupported:
		return http.StatusBadRequest, problem.CodeInvalid
	}
	return http.StatusBadGateway, problem.CodeUpstream
}

// statusOfRefusal returns the status and the code of a call that a layer refused.
func statusOfRefusal(refused *middleware.RefusedError) (status int, code string) {
	switch refused.By {
	case "budget":
		if refused.Until.IsZero() { // more than the budget's whole limit
			return http.StatusRequestEntityTooLarge, problem.CodeTooLarge
		}
		return http.StatusTooManyRequests, problem.CodeQuota
	case "limit":
		return http.StatusTooManyRequests, problem.CodeRateLimit
	case "fit", "capability":
		return http.StatusBadRequest, problem.CodeInvalid
	case "context_window":
		return http.StatusBadRequest, problem.CodeContextLength
	}
	return http.StatusServiceUnavailable, problem.CodeOverloaded
}

// retryAfter returns the value of the header Retry-After; "" for none.
func retryAfter(p *problem.Problem) string {
	if p.Wait <= 0 {
		return ""
	}
	return strconv.Itoa(max(int(math.Ceil(p.Wait.Seconds())), 1))
}
