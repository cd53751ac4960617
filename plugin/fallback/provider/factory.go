package provider

import "google.golang.org/adk/v2/model"

// Factory makes the models of one provider for a policy file. A provider whose
// SDK is large is not part of package policy; the application adds it:
//
//	m, err := policy.Load(ctx, "fallback.yaml", anthropic.Provider)
type Factory struct {
	Name string // of the provider in a policy file, such as "anthropic"; required
	// KeyEnv is the environment variable that usually holds the key. If it is empty,
	// each model without a base_url needs a credential_env.
	KeyEnv string
	// New returns a model. It must not make a network call, and its errors must not
	// contain the key. Required.
	New func(Settings) (model.LLM, error)
}

// Option implements policy.Option.
func (f Factory) Option() any { return f }

// Settings describe a model of a policy file.
type Settings struct {
	Model   string // the provider's name for it
	APIKey  string // "" for none
	BaseURL string // "" for the provider's own
	Takes   Takes
	Drop    bool // see [Target]
}
