package anthropic

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// Provider makes a policy file's models of provider anthropic, and those that are
// named claude-…:
//
//	m, err := policy.Load(ctx, "fallback.yaml", anthropic.Provider)
var Provider = provider.Factory{
	Name:   "anthropic",
	KeyEnv: "ANTHROPIC_API_KEY",
	New: func(s provider.Settings) (model.LLM, error) {
		m, err := New(s.Model, Config{APIKey: s.APIKey, BaseURL: s.BaseURL, Takes: s.Takes, Drop: s.Drop})
		if err != nil {
			return nil, err // not m, which would be a model that is not nil
		}
		return m, nil
	},
}
