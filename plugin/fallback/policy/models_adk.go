//go:build !adkv1

package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/openai/openai-go/v3/option"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/model/openaimodel"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// provide builds a model of one of ADK's own providers. It is the one part of
// this package that needs more of ADK than its data types, so applications on
// ADK v1 can leave it out with the build tag adkv1.
func provide(ctx context.Context, e endpoint, env func(string) (string, bool)) (model.LLM, error) {
	switch e.provider {
	case "gemini", "vertexai", "":
		return newGemini(ctx, e, env)
	case "openai":
		if e.key == "" {
			e.key, _ = env("OPENAI_API_KEY")
		}
		if e.key == "" && e.baseURL == "" {
			return nil, &unbuildable{"no key for openai", "one in OPENAI_API_KEY, or in the variable that credential_env names"}
		}
		m, err := openaimodel.NewModel(ctx, e.id, &openaimodel.ClientConfig{
			APIKey: e.key, BaseURL: e.baseURL, HTTPClient: &http.Client{Transport: failure.Capture(nil)},
			// The SDK's own retries would multiply ours.
			Options: []option.RequestOption{option.WithMaxRetries(0), option.WithMiddleware(noteEnding)},
		})
		if err != nil {
			return nil, err
		}
		return openAI{m}, nil
	}
	return nil, &unbuildable{fmt.Sprintf("no provider %q", e.provider), "gemini, vertexai or openai"}
}

// newGemini builds a Gemini model. The environment says which API is asked where
// the file does not, as in genai itself.
func newGemini(ctx context.Context, e endpoint, env func(string) (string, bool)) (model.LLM, error) {
	first := func(names ...string) string {
		for _, name := range names {
			if value, _ := env(name); value != "" {
				return value
			}
		}
		return ""
	}
	config := &genai.ClientConfig{Backend: genai.BackendGeminiAPI, APIKey: e.key, HTTPOptions: genai.HTTPOptions{BaseURL: e.baseURL}}
	switch onVertex := strings.ToLower(first("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")); {
	case e.provider == "vertexai", e.provider == "" && (onVertex == "1" || onVertex == "true"):
		config.Backend = genai.BackendVertexAI
		if e.key == "" { // with a key, which names the project, neither is allowed
			config.Project = first("GOOGLE_CLOUD_PROJECT")
			config.Location = cmp.Or(e.region, first("GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"))
		}
	case e.key == "":
		config.APIKey = first("GOOGLE_API_KEY", "GEMINI_API_KEY")
	}
	m, err := gemini.NewModel(ctx, e.id, config)
	if err != nil {
		if config.Backend == genai.BackendGeminiAPI && config.APIKey == "" {
			return nil, &unbuildable{"no key for gemini", "one in GOOGLE_API_KEY or GEMINI_API_KEY, or in the variable that credential_env names"}
		}
		// genai puts its configuration, the key included, into its errors.
		reason, _, _ := strings.Cut(err.Error(), " ClientConfig:")
		return nil, errors.New("gemini: " + reason)
	}
	// The client that genai makes has the credentials of Vertex AI, so it is not
	// replaced.
	if c, ok := m.(client); ok && c.Client() != nil {
		if web := c.Client().ClientConfig().HTTPClient; web != nil {
			web.Transport = failure.Capture(web.Transport)
		}
	}
	return m, nil
}
