package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Model is a model.LLM that speaks one of OpenAI's protocols. It is safe for
// concurrent use.
type Model struct {
	name       string
	deployment string // Azure's name for the model, or name
	target     provider.Target
	levels     []string // thinking levels that the model takes; nil if not known
	url        string
	embeddings string // the URL for embeddings
	header     http.Header
	secret     string // never to be shown
	client     *http.Client
	extras     map[string]json.RawMessage
	azure      bool
	spoken     dialect // of name
}

// New returns the model of that name. It makes no network call.
func New(name string, config Config) (*Model, error) {
	if name == "" {
		return nil, errors.New("openai: the model has no name")
	}
	base, err := config.base()
	if err != nil {
		return nil, err
	}
	m := &Model{name: name, deployment: name, secret: config.APIKey, azure: config.Azure != nil}
	if m.azure && config.Azure.Deployment != "" {
		m.deployment = config.Azure.Deployment
	}
	m.target = provider.Target{Model: name, Endpoint: endpoint(base), Takes: config.Takes, Drop: config.Drop}
	if config.API == "" {
		config.API = Chat
		if m.target.Endpoint == "api.openai.com" {
			config.API = Responses
		}
	}
	switch config.API {
	case Responses:
		m.target.API = provider.Responses
	case Chat:
		m.target.API = provider.Chat
	default:
		return nil, fmt.Errorf("openai: unknown API %q; use %q or %q", config.API, Responses, Chat)
	}
	m.levels = m.target.Accepts().ThinkingLevels
	m.spoken = dialectOf(m.target.Endpoint, name, m.azure)
	m.url, m.embeddings = config.answers(base, m.deployment), config.resource(base, m.deployment, "embeddings")
	m.header = config.header()
	if m.extras, err = request.Fields(config.ExtraBody); err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	m.client = newClient(config.HTTPClient)
	return m, nil
}

// MustNew is [New] that panics on an error.
func MustNew(name string, config Config) *Model {
	m, err := New(name, config)
	if err != nil {
		panic(err)
	}
	return m
}

// Name implements model.LLM: it returns the provider's name for the model.
func (m *Model) Name() string { return m.name }

// Target implements [provider.Described].
func (m *Model) Target() provider.Target { return m.target }

// GenerateContent implements model.LLM. It never changes req. A stream yields
// partial responses with text and thoughts, then one final response that holds
// the whole answer; without stream there is the final response alone. An error
// ends the sequence; package failure classifies it.
func (m *Model) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		req, yield, err := m.fit(ctx, req, yield)
		switch {
		case err != nil:
			yield(nil, err)
		case m.target.API == provider.Responses:
			m.responses(ctx, req, stream, yield)
		default:
			m.chat(ctx, req, stream, yield)
		}
	}
}

// fit returns req in the form that the model accepts, and a yield that converts
// final answers into answers to the original. It changes nothing if the engine has
// already fitted req.
func (m *Model) fit(ctx context.Context, req *model.LLMRequest, yield func(*model.LLMResponse, error) bool) (*model.LLMRequest, func(*model.LLMResponse, error) bool, error) {
	own, final, err := m.target.Prepare(ctx, req)
	return own, func(resp *model.LLMResponse, err error) bool {
		if resp != nil && !resp.Partial {
			resp = final(resp)
		}
		return yield(resp, err)
	}, err
}

// modelName returns the name for the request's body.
func (m *Model) modelName(req *model.LLMRequest) string {
	if req.Model == "" || req.Model == m.name {
		return m.deployment
	}
	return req.Model
}

// Names of the token limit in chat completions. A server takes one of them.
const (
	newTokens = "max_completion_tokens"
	oldTokens = "max_tokens"
)

// withExtras returns body, a JSON object, with the extra fields of the configuration
// and, overriding those, of req.
func (m *Model) withExtras(req *model.LLMRequest, body []byte) ([]byte, error) {
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
	if body, err = request.Overlay(body, m.extras, more); err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	return body, nil
}
