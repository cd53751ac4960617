package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// server is where one model is called. It is the api.Server of packages chat and
// responses.
type server struct {
	name       string // of the model
	deployment string // Azure's name for the model, or name
	endpoint   string // host, with its port if it has one
	answers    string // the URL for answers
	embeddings string // the URL for embeddings
	header     http.Header
	extras     map[string]json.RawMessage // fields of each body
	secret     string                     // never to be shown
	client     *http.Client
}

// newServer returns the server of a model of that name. base and config are valid.
func newServer(name string, base *url.URL, config *Config) (*server, error) {
	extras, err := request.Fields(config.ExtraBody)
	if err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	deployment := name
	if config.Azure != nil && config.Azure.Deployment != "" {
		deployment = config.Azure.Deployment
	}
	return &server{
		name: name, deployment: deployment, endpoint: httpclient.Endpoint(base),
		answers: config.answers(base, deployment), embeddings: config.resource(base, deployment, "embeddings"),
		header: config.header(), extras: extras, secret: config.APIKey, client: newClient(config.HTTPClient),
	}, nil
}

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

// ModelName implements api.Server.
func (s *server) ModelName(of string) string {
	if of == "" || of == s.name {
		return s.deployment
	}
	return of
}

// Post implements api.Server.
func (s *server) Post(ctx context.Context, of *model.LLMRequest, body []byte, stream bool) (*http.Response, error) {
	body, err := s.withExtras(of, body)
	if err != nil {
		return nil, err
	}
	return s.post(ctx, s.answers, request.Header(s.header, request.Options(of).Headers), body, stream)
}

// post is Post for a URL, with these headers.
func (s *server) post(ctx context.Context, url string, header http.Header, body []byte, stream bool) (*http.Response, error) {
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
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("openai: calling %s: %w", s.endpoint, httpclient.Bare(err))
	}
	if resp.StatusCode/100 == 2 && !httpclient.IsPage(resp.Header) {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, openaiwire.MaxErrorBody))
	if err != nil && len(text) == 0 && resp.StatusCode/100 == 2 {
		return nil, fmt.Errorf("openai: reading the answer: %w", err)
	}
	return nil, s.Error(resp, text)
}

// minSecret is the least length of a key that is looked for in what a server
// says, in bytes: shorter ones are placeholders, and part of many words.
const minSecret = 8

// Error implements api.Server. A server that echoes the key does not make it appear.
func (s *server) Error(resp *http.Response, body []byte) *openaiwire.Error {
	if len(s.secret) >= minSecret {
		body = bytes.ReplaceAll(body, []byte(s.secret), []byte("[redacted]"))
	}
	if resp != nil {
		resp.Request = nil // it has the key and the prompt
	}
	return openaiwire.NewError(resp, bytes.Clone(body))
}

// Names of the token limit in chat completions. A server takes one of them.
const (
	newTokens = "max_completion_tokens"
	oldTokens = "max_tokens"
)

// withExtras returns body, a JSON object, with the extra fields of the configuration
// and, overriding those, of req.
func (s *server) withExtras(req *model.LLMRequest, body []byte) ([]byte, error) {
	more, err := request.Fields(request.Options(req).ExtraBody)
	if err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	// If the request itself names the token limit, no other name is sent; see
	// [provider.Repair].
	for given, other := range map[string]string{newTokens: oldTokens, oldTokens: newTokens} {
		if more[given] != nil && string(more[given]) != "null" && more[other] == nil {
			more[other] = json.RawMessage("null")
		}
	}
	if body, err = request.Overlay(body, s.extras, more); err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	return body, nil
}
