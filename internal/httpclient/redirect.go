package httpclient

import (
	"fmt"
	"net/http"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// maxRedirects is net/http's own limit.
const maxRedirects = 10

// StayAtHost is a value for http.Client.CheckRedirect. It follows a redirect only
// if the same request goes to the same host. Otherwise the call fails with a
// [RedirectError].
//
// net/http removes the Authorization header before it goes to another host, but
// sends headers such as X-Api-Key, Api-Key and X-Goog-Api-Key, and the prompt. A
// redirect that turns POST into GET (301, 302, 303) loses the prompt.
func StayAtHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) < maxRedirects && req.Method == first.Method && req.URL.Hostname() == first.URL.Hostname() &&
		(req.URL.Scheme == "https" || first.URL.Scheme == "http") {
		return nil
	}
	return &RedirectError{To: req.URL.Scheme + "://" + req.URL.Host}
}

// RedirectError is a redirect that was not followed.
type RedirectError struct {
	To string // scheme and host
}

// Error implements error.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("the server redirects to %s, which is not followed; set the base URL to the final address", e.To)
}

// Verdict implements the method that package failure looks for: the address is
// wrong, so no call there can succeed.
func (e *RedirectError) Verdict() failure.Verdict {
	return failure.Verdict{Action: failure.Fail, Kind: failure.KindInvalid, Scope: failure.ScopeEndpoint, Message: e.Error(), Reason: "the address redirects elsewhere: a wrong base URL"}
}
