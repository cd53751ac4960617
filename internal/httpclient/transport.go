package httpclient

import (
	"net/http"
	"time"
)

// Transport returns a copy of http.DefaultTransport that keeps up to idlePerHost
// idle connections per host and has no limit over all hosts. The default of two
// per host would make most calls under load connect anew.
//
// It returns nil, which means http.DefaultTransport, if the application replaced
// that with a transport of another type.
func Transport(idlePerHost int) http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil
	}
	own := base.Clone()
	own.MaxIdleConns, own.MaxIdleConnsPerHost = 0, idlePerHost
	own.IdleConnTimeout = 90 * time.Second
	own.ForceAttemptHTTP2 = true
	return own
}
