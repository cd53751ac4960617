package anthropic

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/wrap"
)

// Model is a model.LLM that uses the Messages API. It is safe for concurrent use.
type Model struct {
	name   string
	target provider.Target
	config Config
	extras map[string]json.RawMessage
	url    string      // for messages
	header http.Header // of each request
	client *http.Client
}

// New returns the model of that name, such as "claude-sonnet-5-5". It makes no
// network call and reads nothing from the environment. It fails for Anthropic's own
// endpoint without a credential.
func New(name string, config Config) (*Model, error) {
	if name == "" {
		return nil, errors.New("anthropic: the model has no name")
	}
	base, err := config.base()
	if err != nil {
		return nil, err
	}
	endpoint := httpclient.Endpoint(base)
	if err := httpclient.CheckCredential(endpoint == ownEndpoint, config.APIKey, config.Header, config.HTTPClient); err != nil {
		return nil, fmt.Errorf("anthropic: %w", err)
	}
	if err := config.validate(); err != nil {
		return nil, err
	}
	m := &Model{
		name: name, config: config,
		url: base.JoinPath("v1", "messages").String(), header: config.header(base.String()), client: newClient(config.HTTPClient),
	}
	if m.extras, err = request.Fields(config.ExtraBody); err != nil {
		return nil, fmt.Errorf("anthropic: %w", err)
	}
	m.target = provider.Target{API: provider.Anthropic, Model: name, Endpoint: endpoint, Takes: config.Takes, Drop: config.Drop}
	return m, nil
}

// MustNew is [New] that panics on an error.
func MustNew(name string, config Config) *Model { return check.Must(New(name, config)) }

// Name implements model.LLM: it returns the provider's name for the model.
func (m *Model) Name() string { return m.name }

// Target implements [provider.Described].
func (m *Model) Target() provider.Target { return m.target }

// GenerateContent implements model.LLM. It never changes req. A stream yields
// partial responses with text and thoughts, then one final response that holds
// the whole answer; without stream there is the final response alone. An error
// ends the sequence; package failure classifies it. Errors of the server are of
// type [Error].
func (m *Model) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		if err := m.generate(ctx, req, stream, yield); err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

func (m *Model) generate(ctx context.Context, req *model.LLMRequest, streams bool, yield func(*model.LLMResponse, error) bool) error {
	req, convert, err := m.target.Prepare(ctx, req)
	if err != nil {
		return err
	}
	yield = wrap.Through(convert, yield)
	target := m.target
	target.Model = cmp.Or(req.Model, target.Model) // a router names its target in the request
	body, names, err := encode(&m.config, target, req, streams)
	if err != nil {
		return err
	}
	resp, err := m.post(ctx, request.Options(req), body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	s := &stream{from: m, collector: collector{names: names}, resp: resp}
	if streams {
		s.yield = yield
	}
	if err := m.read(ctx, s); err != nil {
		return err
	}
	final, err := s.finish()
	if err != nil {
		return err
	}
	if s.done {
		defer sse.Drain(resp.Body)
	}
	yield(final, nil)
	return nil
}

// post sends a request with its options. The response has a status of success and a body to be
// closed.
func (m *Model) post(ctx context.Context, options genai.HTTPOptions, b *body) (*http.Response, error) {
	more, err := request.Fields(options.ExtraBody)
	if err != nil {
		return nil, fmt.Errorf("anthropic: %w", err)
	}
	delete(more, serialKey)
	data, err := b.marshal(m.extras, more)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("anthropic: %w", err)
	}
	req.Header = m.header.Clone()
	if b.sampling {
		req.Header.Set(versionHeader, oldVersion)
	}
	if b.Stream {
		req.Header.Set("Accept", "text/event-stream")
	}
	for name, values := range request.Header(m.config.Header, options.Headers) {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := m.client.Do(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("anthropic: calling %s: %w", m.target.Endpoint, httpclient.Bare(err))
	case resp.StatusCode < 400:
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what there is of it
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, m.newError(resp, string(text))
}

// read reads the answer: events, or a message in one piece, whichever the server
// has chosen.
func (m *Model) read(ctx context.Context, s *stream) error {
	kind, _, _ := mime.ParseMediaType(s.resp.Header.Get("Content-Type"))
	page := httpclient.IsPage(s.resp.Header)
	if kind != "application/json" && !page {
		return s.read(ctx, sse.NewReader(s.resp.Body))
	}
	data, err := io.ReadAll(io.LimitReader(s.resp.Body, maxAnswer+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("anthropic: reading the answer: %w", err)
	case len(data) > maxAnswer:
		return errTooLong
	case page:
		return m.newError(s.resp, string(data))
	}
	data = sse.Trim(data)
	switch {
	case len(data) == 0:
		return nil // finish reports what is missing
	case isEvents(data):
		return s.read(ctx, sse.NewReader(bytes.NewReader(data)))
	}
	if ok, err := s.unary(data); ok {
		return err
	}
	return m.newError(s.resp, string(data))
}

// isEvents reports whether data is a stream, whatever its content type says.
func isEvents(data []byte) bool {
	for _, field := range [...]string{"event:", "data:", ":"} {
		if bytes.HasPrefix(data, []byte(field)) {
			return true
		}
	}
	return false
}
