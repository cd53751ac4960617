package catalog

import (
	"net/url"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

// logprobs reports whether a model can return the probabilities of its tokens, as far as the tables of package provider know.
// A model that the environment may move from the Gemini API to Vertex AI can if it can at one of them.
func logprobs(r spec.Resolved) bool {
	if t := r.Settings.Takes; t != nil && t.Logprobs != nil {
		return *t.Logprobs
	}
	target := provider.Target{Model: r.ID}
	if u, err := url.Parse(r.Settings.BaseURL); err == nil {
		target.Endpoint = u.Host
	}
	var apis []provider.API
	switch r.Provider {
	case "gemini":
		apis = []provider.API{provider.Gemini}
		if r.Settings.Provider == "" {
			apis = append(apis, provider.Vertex)
		}
	case "openai":
		apis = []provider.API{provider.Responses}
		if r.Settings.API == "chat" || r.Settings.API == "" && target.Endpoint != "" && target.Endpoint != "api.openai.com" {
			apis = []provider.API{provider.Chat}
		}
	default:
		apis = []provider.API{provider.API(r.Provider)}
	}
	for _, api := range apis {
		target.API = api
		if takes := target.Accepts().Logprobs; takes == nil || *takes {
			return true
		}
	}
	return false
}
