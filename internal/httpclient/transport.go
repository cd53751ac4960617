package httpclient

import (
	"net/http"
	"time"
)

// idlePerHost is how many idle connections to a host are kept. If more calls than that run at
// a time over HTTP/1.1, each further one makes a new connection.
const idlePerHost = 1024

// Transport returns a copy of http.DefaultTransport that keeps up to 1,024 idle
// connections per host and has no limit over all hosts. With the default of two
// per host, most calls under load would make a new connection.
//
// It returns nil, which means http.DefaultTransport, if the application replaced
// that with a transport of another type.
func Transport() http.RoundTripper {
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
