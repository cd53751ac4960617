package gemini

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/httpclient"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/wrap"
)

// Config configures a [Model]. The zero value uses the environment: the Gemini API
// with the key in GOOGLE_API_KEY or GEMINI_API_KEY, or Vertex AI if
// GOOGLE_GENAI_USE_VERTEXAI is set.
type Config struct {
	// Client is genai's configuration: backend, key or project and location, base
	// URL, headers. Nil means the environment. It is not changed.
	//
	// Default of its HTTPClient: a client that keeps up to 64 idle connections per
	// host; on Vertex AI with credentials, genai's, which keeps 100. A given client is
	// copied, not changed.
	//
	// HTTPOptions.RetryOptions must be nil: use middleware.NewRetry. On Vertex AI, a key
	// cannot be combined with a project and a location, because keys are served by
	// the global endpoint.
	Client *genai.ClientConfig

	// Takes and Drop describe a model that the tables do not know; see
	// [provider.Target].
	Takes provider.Takes
	Drop  bool
}

// Model is a Gemini model. It implements model.LLM and is safe for concurrent
// use.
type Model struct {
	name   string
	target provider.Target
	client *genai.Client
	http   *http.Client
	secret string // the key, which no error shows

	root    string // base URL with the API's version, without query
	query   string // of the base URL
	scope   string // on Vertex AI: what stands before publishers/; "" for a key
	options genai.HTTPOptions
	header  http.Header
}

var (
	_ model.LLM          = (*Model)(nil)
	_ provider.Described = (*Model)(nil)
)

// New returns the model of that name, such as "gemini-3-flash". On Vertex AI it may
// be a path, such as "projects/P/locations/L/endpoints/E". ctx is used for looking
// up credentials only.
//
// It fails without a key or credentials, and for a configuration that Config
// excludes. Its errors do not show the key.
func New(ctx context.Context, name string, config Config) (*Model, error) {
	if _, err := modelPath(name, false); err != nil {
		return nil, err
	}
	var given genai.ClientConfig
	if config.Client != nil {
		given = *config.Client // genai fills in what it finds
	}
	if err := check(&given); err != nil {
		return nil, err
	}
	if given.HTTPClient != nil {
		own := *given.HTTPClient
		given.HTTPClient = &own
	}
	client, err := genai.NewClient(ctx, &given)
	if err != nil {
		return nil, clientError(err)
	}
	resolved := client.ClientConfig()
	if err := httpclient.CheckKey(resolved.APIKey); err != nil {
		return nil, fmt.Errorf("gemini: %w", err)
	}
	m := &Model{name: name, client: client, http: resolved.HTTPClient, secret: resolved.APIKey, options: resolved.HTTPOptions}
	m.http.Transport = withCapture(m.http.Transport, config.Client == nil || config.Client.HTTPClient == nil)
	if m.http.CheckRedirect == nil {
		m.http.CheckRedirect = httpclient.StayAtHost
	}
	base, err := url.Parse(resolved.HTTPOptions.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("gemini: the base URL is not an http or https URL; set HTTPOptions.BaseURL to something like https://generativelanguage.googleapis.com")
	}
	m.query, base.RawQuery = base.RawQuery, ""
	m.root = strings.TrimSuffix(base.JoinPath(resolved.HTTPOptions.APIVersion).String(), "/")
	m.target = provider.Target{API: provider.Gemini, Model: name, Endpoint: httpclient.Endpoint(base), Takes: config.Takes, Drop: config.Drop}
	if resolved.Backend == genai.BackendVertexAI {
		m.target.API = provider.Vertex
		if resolved.Project != "" && resolved.Location != "" && resolved.HTTPOptions.BaseURLResourceScope != genai.ResourceScopeCollection {
			m.scope = "projects/" + resolved.Project + "/locations/" + resolved.Location + "/"
		}
	}
	m.header = baseHeader(&resolved)
	return m, nil
}

// check rejects settings that could not be applied as written.
func check(c *genai.ClientConfig) error {
	if c.HTTPOptions.RetryOptions != nil {
		return errors.New("gemini: HTTPOptions.RetryOptions is set; remove it and use middleware.NewRetry, which counts attempts and knows quotas")
	}
	onVertex := c.Backend == genai.BackendVertexAI || c.Backend == genai.BackendEnterprise
	if onVertex && c.APIKey != "" && (c.Location != "" || c.Project != "") {
		return fmt.Errorf("gemini: an API key on Vertex AI is served by the global endpoint, not by location %q of project %q; remove the key to use credentials, or remove Location and Project",
			c.Location, c.Project)
	}
	return nil
}

// clientError returns genai's error for its configuration. It removes the
// configuration from the text, which genai prints with the key.
func clientError(err error) error {
	reason, _, _ := strings.Cut(err.Error(), " ClientConfig:")
	if strings.HasPrefix(reason, "api key is required") {
		return errors.New("gemini: no API key; set GOOGLE_API_KEY, or APIKey in Config.Client")
	}
	return errors.New("gemini: " + strings.TrimSuffix(reason, "."))
}

// Name returns the provider's name for the model.
func (m *Model) Name() string { return m.name }

// Target implements [provider.Described].
func (m *Model) Target() provider.Target { return m.target }

// GetGoogleLLMVariant returns the backend that serves the model.
func (m *Model) GetGoogleLLMVariant() genai.Backend { return m.client.ClientConfig().Backend }

// Client returns the genai client that shares the model's configuration and
// connections.
func (m *Model) Client() *genai.Client { return m.client }

// GenerateContent implements model.LLM. It calls the model named by req.Model or,
// if that is empty, by [Model.Name]. It never changes req.
//
// A stream yields text and thoughts as partial responses as they arrive. One final
// response follows with the whole answer: function calls, media, usage and finish
// reason. A blocked prompt or answer is a final response whose ErrorCode is the
// provider's reason. If the model stops at its limit per request (CONTINUATION),
// the answer is continued up to 7 times, unless the request's
// AutomaticContinuation is false.
func (m *Model) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		name := cmp.Or(req.Model, m.name)
		req, convert, err := m.target.Prepare(ctx, req)
		if err != nil {
			yield(nil, err)
			return
		}
		yield = wrap.Through(convert, yield)
		c := exchange{model: m, stream: stream, answer: answer{}}
		if err := c.encode(name, req); err != nil {
			yield(nil, err)
			return
		}
		if timeout := requestTimeout(&m.options, req.Config); timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		stopped, err := c.run(ctx, yield)
		if stopped {
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		final, err := c.answer.final()
		if err != nil {
			yield(nil, err)
			return
		}
		yield(final, nil)
	}
}
