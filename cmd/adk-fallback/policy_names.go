package main

import (
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// checked is a policy that has no errors.
type checked struct {
	*spec.Policy
	handedIn []string // the models that the application is known to hand in
}

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

	baseURL string // where it is asked; "" for the provider's usual place
}

// served finds out who serves a model. One that is handed in wins over what the
// file and the name say.
func (p checked) served(r spec.Resolved) served {
	s := served{
		Name: r.Name, Model: r.Model, From: "name", Entry: r.Entry, Provider: r.Provider, ID: r.ID,
		CredentialEnv: r.Settings.CredentialEnv,
	}
	switch {
	case r.Provider == "", slices.Contains(p.handedIn, r.Name), slices.Contains(p.handedIn, r.Model):
		s.From, s.Provider, s.CredentialEnv = "application", "", ""
	case r.Settings.Provider != "":
		s.From = "models"
	}
	if s.From != "application" {
		s.baseURL = r.Settings.BaseURL
	}
	return s
}

// models returns each model of a policy once, in the order of its chain.
func (p checked) models() []served {
	var all []served
	add := func(t *spec.Target) {
		for _, r := range t.Models() {
			if !slices.ContainsFunc(all, func(seen served) bool { return seen.Name == r.Name }) {
				all = append(all, p.served(r))
			}
		}
	}
	for _, t := range p.Chain() {
		add(&t)
		if t.Hedge != nil {
			add(t.Hedge)
		}
	}
	return all
}

// by says who serves it in a few words.
func (s served) by() string {
	if s.From == "application" {
		return "handed in by the application"
	}
	by := s.Provider
	if s.ID != s.Name {
		by += " as " + s.ID
	}
	if s.baseURL != "" {
		by += " at " + s.baseURL // which holds no key: package policy sees to that
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
