package openai

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/wrap"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/chat"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses"
)

// Model is a model.LLM that speaks one of OpenAI's protocols. It is safe for
// concurrent use.
type Model struct {
	target provider.Target
	server *server
	api    interface { // *chat.Model or *responses.Model
		Generate(ctx context.Context, req *model.LLMRequest, stream bool, yield func(*model.LLMResponse, error) bool)
	}
}

// New returns the model of that name. It makes no network call and reads nothing from
// the environment. It fails for OpenAI's own endpoint without a credential.
func New(name string, config Config) (*Model, error) {
	if name == "" {
		return nil, errors.New("openai: the model has no name")
	}
	base, err := config.base()
	if err != nil {
		return nil, err
	}
	target := provider.Target{Model: name, Endpoint: httpclient.Endpoint(base), Takes: config.Takes, Drop: config.Drop}
	if err := httpclient.CheckCredential(target.Endpoint == ownEndpoint, config.APIKey, config.Header, config.HTTPClient); err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	if config.API == "" {
		config.API = Chat
		if target.Endpoint == ownEndpoint {
			config.API = Responses
		}
	}
	switch config.API {
	case Responses:
		target.API = provider.Responses
	case Chat:
		target.API = provider.Chat
	default:
		return nil, fmt.Errorf("openai: unknown API %q; use %q or %q", config.API, Responses, Chat)
	}
	server, err := newServer(name, base, &config)
	if err != nil {
		return nil, err
	}
	m := &Model{target: target, server: server}
	if config.API == Responses {
		m.api = responses.New(target, server)
	} else {
		m.api = chat.New(target, config.Azure != nil, server)
	}
	return m, nil
}

// MustNew is [New] that panics on an error.
func MustNew(name string, config Config) *Model { return check.Must(New(name, config)) }

// Name implements model.LLM: it returns the provider's name for the model.
func (m *Model) Name() string { return m.target.Model }

// Target implements [provider.Described].
func (m *Model) Target() provider.Target { return m.target }

// GenerateContent implements model.LLM. It never changes req. A stream yields
// partial responses with text and thoughts, then one final response that holds
// the whole answer; without stream there is the final response alone. An error
// ends the sequence; package failure classifies it.
func (m *Model) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		req, yield, err := m.fit(ctx, req, yield)
		if err != nil {
			yield(nil, err)
			return
		}
		m.api.Generate(ctx, req, stream, yield)
	}
}

// fit returns req in the form that the model accepts, and a yield that converts
// final answers into answers to the original. It changes nothing if the engine has
// already fitted req.
func (m *Model) fit(ctx context.Context, req *model.LLMRequest, yield func(*model.LLMResponse, error) bool) (*model.LLMRequest, func(*model.LLMResponse, error) bool, error) {
	own, convert, err := m.target.Prepare(ctx, req)
	return own, wrap.Through(convert, yield), err
}
