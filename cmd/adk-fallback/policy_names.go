package main

import (
	"cmp"
	"regexp"
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

	settings policy.Model // of its entry
}

// serve finds out who serves the model that a file calls name, as package policy
// does when it builds one.
func serve(p *policy.Policy, name string) served {
	s := served{Name: name, Model: canonical(p, name), From: "models"}
	s.Entry, s.settings = entryOf(p, s.Model)
	s.Provider, s.CredentialEnv = s.settings.Provider, s.settings.CredentialEnv
	s.ID = cmp.Or(s.settings.ID, s.Model)
	if s.Provider != "" {
		return s
	}
	s.From = "name"
	switch {
	case strings.HasPrefix(s.Model, "gemini-"):
		s.Provider = "gemini"
	case strings.HasPrefix(s.Model, "gpt-"):
		s.Provider = "openai"
	default:
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
	if s.settings.BaseURL != "" {
		by += " at " + s.settings.BaseURL // which holds no key: package policy sees to that
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

// canonical returns the name that an alias stands for. A checked policy has no
// cycles.
func canonical(p *policy.Policy, name string) string {
	for next, ok := p.Aliases[name]; ok; next, ok = p.Aliases[name] {
		name = next
	}
	return name
}

// entryOf returns the entry of section models for a name without aliases: the
// name itself, else the pattern with the most bytes beside *, else nothing.
func entryOf(p *policy.Policy, name string) (key string, m policy.Model) {
	if m, ok := p.Models[name]; ok {
		return name, m
	}
	best := -1
	for pattern := range p.Models {
		says := len(pattern) - strings.Count(pattern, "*")
		if matches(pattern, name) && (says > best || says == best && pattern < key) {
			key, best = pattern, says
		}
	}
	return key, p.Models[key]
}

// matches reports whether name matches pattern, in which * stands for any text.
func matches(pattern, name string) bool {
	expression := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
	return regexp.MustCompile(`^` + expression + `$`).MatchString(name)
}
