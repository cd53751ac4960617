//go:build !adkv1

package policy

import (
	"context"
	"fmt"

	"github.com/openai/openai-go/v3/option"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/model/gemini"
	"google.golang.org/adk/v2/model/openaimodel"
	"google.golang.org/genai"
)

// provide builds a model of one of ADK's own providers. It is the one part of
// this package that needs more of ADK than its data types, so applications on
// ADK v1 can leave it out with the build tag adkv1.
func provide(ctx context.Context, e endpoint, env func(string) (string, bool)) (model.LLM, error) {
	switch e.provider {
	case "gemini", "vertexai":
		config := &genai.ClientConfig{APIKey: e.key, HTTPClient: e.http, HTTPOptions: genai.HTTPOptions{BaseURL: e.baseURL}}
		if e.provider == "vertexai" {
			config.Backend, config.Location = genai.BackendVertexAI, e.region
		}
		for _, variable := range []string{"GOOGLE_API_KEY", "GEMINI_API_KEY"} {
			if value, _ := env(variable); config.APIKey == "" && e.provider == "gemini" {
				config.APIKey = value
			}
		}
		return gemini.NewModel(ctx, e.id, config)
	case "openai":
		if e.key == "" {
			e.key, _ = env("OPENAI_API_KEY")
		}
		if e.key == "" && e.baseURL == "" {
			return nil, noKey("openai", "OPENAI_API_KEY")
		}
		// The SDK's own retries would multiply ours.
		return openaimodel.NewModel(ctx, e.id, &openaimodel.ClientConfig{
			APIKey: e.key, BaseURL: e.baseURL, HTTPClient: e.http, Options: []option.RequestOption{option.WithMaxRetries(0)},
		})
	}
	return nil, fmt.Errorf("policy: provider %q cannot be built; allowed: gemini, vertexai, openai", e.provider)
}
