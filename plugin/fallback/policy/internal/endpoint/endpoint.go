// Package endpoint makes the client for a model of a policy, with the address and credential from
// the model's entry in section models or from the environment.
package endpoint

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// Endpoint is the address of a model and the credential for it.
type Endpoint struct {
	spec.Resolved
	Key string // of the variable in the file; "" for the provider's usual one
	Env func(name string) (value string, ok bool)

	Relied bool // a compliance rule relies on the region

	Client    *http.Client                // for OpenAI's protocols
	Factories map[string]provider.Factory // of other providers, by name
}

// BuiltIn reports whether a provider needs no factory.
func BuiltIn(provider string) bool {
	return slices.Contains([]string{"gemini", "vertexai", "openai", "openai_chat"}, provider)
}

// Model returns the model. ctx applies to making its client.
func (e *Endpoint) Model(ctx context.Context) (model.LLM, error) {
	switch e.Provider {
	case "gemini", "vertexai":
		return e.gemini(ctx)
	case "openai", "openai_chat":
		return e.openai()
	}
	factory, ok := e.Factories[e.Provider]
	if !ok {
		return nil, fmt.Errorf("this program does not have provider %s; add %s", e.Provider, spec.AddProvider(e.Provider))
	}
	if factory.New == nil {
		return nil, fmt.Errorf("the provider.Factory of %s has no New; set it", e.Provider)
	}
	settings := provider.Settings{Model: e.ID, APIKey: e.Key, BaseURL: e.Settings.BaseURL, Takes: takesOf(e.Settings.Takes), Drop: e.drops()}
	if settings.APIKey == "" && factory.KeyEnv != "" && e.UsualKey() {
		settings.APIKey = e.first(factory.KeyEnv)
	}
	if settings.APIKey == "" && settings.BaseURL == "" {
		return nil, noKey(e.Provider, factory.KeyEnv)
	}
	return factory.New(settings)
}

// first returns the value of the first variable that is set and not empty.
func (e *Endpoint) first(names ...string) string {
	for _, name := range names {
		if value, _ := e.Env(name); value != "" {
			return value
		}
	}
	return ""
}

func (e *Endpoint) drops() bool { return e.Settings.Unsupported == "drop" }

// noKey returns the error of a provider whose usual variables hold no key. variables is "" if it
// has none.
func noKey(provider, variables string) error {
	if variables == "" {
		return fmt.Errorf("no key for %s; name the variable that holds it in credential_env", provider)
	}
	return fmt.Errorf("no key for %s; set %s, or name another variable in credential_env", provider, variables)
}

// gemini returns a Gemini model. If the file has no provider, the environment selects the
// API, as in package genai.
func (e *Endpoint) gemini(ctx context.Context) (model.LLM, error) {
	config := &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: e.Key, HTTPOptions: genai.HTTPOptions{BaseURL: e.Settings.BaseURL}}
	onVertex := strings.ToLower(e.first("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"))
	switch {
	case e.Provider == "vertexai", e.Settings.Provider == "" && (onVertex == "1" || onVertex == "true"):
		config.Backend, config.Location = genai.BackendVertexAI, e.Settings.Region
		if e.Key == "" { // a key implies the project, and the global endpoint serves it
			config.Project = e.first("GOOGLE_CLOUD_PROJECT")
			config.Location = cmp.Or(config.Location, e.first("GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"))
		}
	case e.Key == "":
		if config.APIKey = e.first("GOOGLE_API_KEY", "GEMINI_API_KEY"); config.APIKey == "" {
			return nil, noKey("gemini", "GOOGLE_API_KEY or GEMINI_API_KEY")
		}
	}
	if err := e.regionIsCalled(config.Backend); err != nil {
		return nil, err
	}
	return gemini.New(ctx, e.ID, gemini.Config{Client: config, Takes: takesOf(e.Settings.Takes), Drop: e.drops()})
}

// regionIsCalled returns an error if a compliance rule relies on a region of the file that the client would not call. With a
// base URL, package spec has checked it.
func (e *Endpoint) regionIsCalled(backend genai.Backend) error {
	region, elsewhere := e.Settings.Region, ""
	for _, name := range []string{"GOOGLE_VERTEX_BASE_URL", "GOOGLE_GEMINI_BASE_URL"} { // package genai reads them itself
		if e.first(name) != "" || os.Getenv(name) != "" {
			elsewhere = name
		}
	}
	switch {
	case !e.Relied || region == "" || e.Settings.BaseURL != "":
		return nil
	case elsewhere != "":
		return fmt.Errorf("%s is set, and a compliance rule relies on region %s; unset it, or set base_url", elsewhere, region)
	case backend == genai.BackendGeminiAPI:
		return fmt.Errorf("the Gemini API has no regions, and a compliance rule relies on %s; set provider: vertexai", region)
	case !spec.IsLocation(region):
		return fmt.Errorf("region must be a location of Vertex AI, such as europe-west4, not %q", region)
	}
	return nil
}

// openai returns a model of OpenAI, or of another server that speaks one of OpenAI's
// protocols.
func (e *Endpoint) openai() (model.LLM, error) {
	config := openai.Config{APIKey: e.Key, BaseURL: e.Settings.BaseURL, API: e.Settings.API, Takes: takesOf(e.Settings.Takes), Drop: e.drops()}
	if e.Provider == "openai_chat" {
		config.API = openai.Chat
	}
	if config.APIKey == "" && e.UsualKey() {
		config.APIKey = e.first("OPENAI_API_KEY")
	}
	if config.APIKey == "" && config.BaseURL == "" {
		return nil, noKey("openai", "OPENAI_API_KEY")
	}
	config.Azure, config.HTTPClient = azure(config.BaseURL), e.Client
	return openai.New(e.ID, config)
}

// azure returns the settings for a deployment on Azure, nil for any other server.
func azure(baseURL string) *openai.Azure {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil
	}
	for _, domain := range []string{".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"} {
		if strings.HasSuffix(u.Hostname(), domain) {
			return &openai.Azure{}
		}
	}
	return nil
}
