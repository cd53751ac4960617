package openai

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// newClient returns a client of our own, or a copy of the caller's. Its transport
// records the status, headers and body of failed attempts for package failure. It
// never retries.
func newClient(given *http.Client) *http.Client {
	if given != nil {
		client := *given
		client.Transport = failure.Capture(given.Transport)
		if client.CheckRedirect == nil {
			client.CheckRedirect = httpclient.StayAtHost
		}
		return &client
	}
	return &http.Client{Transport: failure.Capture(httpclient.Transport()), CheckRedirect: httpclient.StayAtHost}
}

// do posts body, the JSON object for a request, and returns the response if it is a success that
// may hold an answer. The caller closes its body. Any other response is an
// *openaiwire.Error.
func (m *Model) do(ctx context.Context, of *model.LLMRequest, body []byte, stream bool) (*http.Response, error) {
	body, err := m.withExtras(of, body)
	if err != nil {
		return nil, err
	}
	return m.post(ctx, m.url, request.Header(m.header, request.Options(of).Headers), body, stream)
}

// post is do for a URL, with these headers.
func (m *Model) post(ctx context.Context, url string, header http.Header, body []byte, stream bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	req.Header = header.Clone()
	if req.Header.Get("Accept") == "" {
		accept := "application/json"
		if stream {
			accept = "text/event-stream"
		}
		req.Header["Accept"] = []string{accept}
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("openai: calling %s: %w", m.target.Endpoint, httpclient.Bare(err))
	}
	if resp.StatusCode/100 == 2 && !isPage(resp.Header) {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, openaiwire.MaxErrorBody))
	if err != nil && len(text) == 0 && resp.StatusCode/100 == 2 {
		return nil, fmt.Errorf("openai: reading the answer: %w", err)
	}
	return nil, m.newError(resp, text)
}

// isPage reports whether a response is a web page: that of a proxy or of a login,
// never an answer.
func isPage(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// minSecret is the least length of a key that is looked for in what a server
// says, in bytes: shorter ones are placeholders, and part of many words.
const minSecret = 8

// newError returns the error that body is. resp is nil within a stream. A server
// that echoes the key does not make it appear.
func (m *Model) newError(resp *http.Response, body []byte) *openaiwire.Error {
	if len(m.secret) >= minSecret {
		body = bytes.ReplaceAll(body, []byte(m.secret), []byte("[redacted]"))
	}
	if resp != nil {
		resp.Request = nil // it has the key and the prompt
	}
	return openaiwire.NewError(resp, bytes.Clone(body))
}
