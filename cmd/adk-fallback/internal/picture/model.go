package picture

import (
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Model is a model of a policy, and where its calls go.
type Model struct {
	Name  string `json:"name"`  // as the file has it
	Model string `json:"model"` // without aliases
	// From says where the provider comes from: "name" for the model's prefix
	// (gemini-, gpt-), "models" for that section, "application" for a model that the
	// application supplies.
	From     string `json:"from"`
	Entry    string `json:"entry,omitempty"`    // of section models, which may be a pattern
	Provider string `json:"provider,omitempty"` // "" if the application supplies the model
	ID       string `json:"id,omitempty"`       // the provider's name for it
	// CredentialEnv is the environment variable that holds its key; "" for the
	// provider's usual one.
	CredentialEnv string `json:"credential_env,omitempty"`

	baseURL string // "" for the provider's usual one
}

// modelOf returns the model behind a name of the policy. A model that the
// application supplies overrides the provider of the file or the name.
func (v view) modelOf(r spec.Resolved) Model {
	m := Model{
		Name: r.Name, Model: r.Model, From: "name", Entry: r.Entry, Provider: r.Provider, ID: r.ID,
		CredentialEnv: r.Settings.CredentialEnv,
	}
	switch {
	case r.Provider == "", v.known.HandsIn(r):
		m.From, m.Provider, m.CredentialEnv = "application", "", ""
	case r.Settings.Provider != "":
		m.From = "models"
	}
	if m.From != "application" {
		m.baseURL = r.Settings.BaseURL
	}
	return m
}

// models returns each model of a policy once, in the order of its chain.
func (v view) models() []Model {
	var all []Model
	add := func(t *spec.Target) {
		for _, r := range t.Models() {
			if !slices.ContainsFunc(all, func(seen Model) bool { return seen.Name == r.Name }) {
				all = append(all, v.modelOf(r))
			}
		}
	}
	for _, t := range v.Chain() {
		for _, beside := range []*spec.Target{t.Cheap, t.Grader, &t, t.Hedge} {
			if beside != nil {
				add(beside)
			}
		}
	}
	if t, ok := v.PreviewTarget(); ok {
		add(&t)
	}
	return all
}

// served says in a few words where calls to the model go.
func (m Model) served() string {
	if m.From == "application" {
		return "supplied by the application"
	}
	text := m.Provider
	if m.ID != m.Name {
		text += " as " + m.ID
	}
	if m.baseURL != "" {
		text += " at " + m.baseURL // has no key in it: package spec sees to that
	}
	return text
}

// from names the parts of the file that decide it.
func (m Model) from() string {
	var parts []string
	if m.Model != m.Name {
		parts = append(parts, "alias of "+m.Model)
	}
	if m.Entry != "" {
		parts = append(parts, "models."+m.Entry)
	}
	if m.CredentialEnv != "" {
		parts = append(parts, "key in "+m.CredentialEnv)
	}
	return strings.Join(parts, ", ")
}
