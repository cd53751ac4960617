package anthropic

import (
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
	client.Transport = failure.Capture(next)
	if client.CheckRedirect == nil {
		client.CheckRedirect = httpclient.StayAtHost
	}
	return client
}
