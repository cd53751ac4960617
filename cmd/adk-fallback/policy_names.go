package main

import (
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// served is a model of a policy, and who serves it.
type served struct {
	Name  string `json:"name"`  // as the file has it
	Model string `json:"model"` // without aliases
	// From says how the model is found: "name" for its beginning (gemini-,
	// gpt-), "models" for that section, "application" if it must be handed in.
	From     string `json:"from"`
	Entry    string `json:"entry,omitempty"`    // of section models, which may be a pattern
	Provider string `json:"provider,omitempty"` // who is asked
	ID       string `json:"id,omitempty"`       // the provider's name for it
	// CredentialEnv is the variable that holds its key; "" for the provider's
	// usual one.
	CredentialEnv string `json:"credential_env,omitempty"`

	resolved policy.Resolved
}

// serve finds out who serves the model that a file calls name.
func serve(p *policy.Policy, name string) served {
	r := p.Resolve(name)
	s := served{
		Name: name, Model: r.Model, From: "name", Entry: r.Entry, Provider: r.Provider, ID: r.ID,
		CredentialEnv: r.Settings.CredentialEnv, resolved: r,
	}
	switch {
	case r.Settings.Provider != "":
		s.From = "models"
	case r.Provider == "":
		s.From = "application"
	}
	return s
}

// by says who serves it in a few words.
func (s served) by() string {
	if s.From == "application" {
		return "handed in by the application"
	}
	by := map[string]string{"gemini": "ADK's gemini", "vertexai": "ADK's gemini on Vertex AI", "openai": "ADK's openai"}[s.Provider]
	if s.ID != s.Name {
		by += " as " + s.ID
	}
	if s.resolved.Settings.BaseURL != "" {
		by += " at " + s.resolved.Settings.BaseURL // which holds no key: package policy sees to that
	}
	return by
}

// from names the parts of the file that have a say in that.
func (s served) from() string {
	var parts []string
	if s.Model != s.Name {
		parts = append(parts, "alias of "+s.Model)
	}
	if s.Entry != "" {
		parts = append(parts, "models."+s.Entry)
	}
	if s.CredentialEnv != "" {
		parts = append(parts, "key in "+s.CredentialEnv)
	}
	return strings.Join(parts, ", ")
}
