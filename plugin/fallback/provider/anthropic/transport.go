package anthropic

import (
	"io"
	"net/http"

	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// maxErrorBody bounds what is read of an error body, in bytes.
const maxErrorBody = 1 << 20

// newClient returns the client for a model: base with what failure needs around
// its transport, or one of its own. base is not changed.
func newClient(base *http.Client) *http.Client {
	client := &http.Client{}
	if base != nil {
		*client = *base
	}
	next := client.Transport
	if base == nil {
		next = httpclient.Transport()
	}
	client.Transport = bounded{failure.Capture(next)}
	if client.CheckRedirect == nil {
		client.CheckRedirect = httpclient.StayAtHost
	}
	return client
}

// bounded cuts error bodies, which the SDK reads to their end, whatever it is.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err == nil && resp.StatusCode >= 400 && resp.Body != nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxErrorBody), resp.Body}
	}
	return resp, err
}
