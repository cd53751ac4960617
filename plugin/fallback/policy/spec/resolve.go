package spec

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// Resolved is what a name of a policy stands for.
type Resolved struct {
	Name     string // as the policy has it
	Model    string // without aliases
	Entry    string // the key under models that says the most about it; "" for none
	Settings Model  // of Entry
	Provider string // who serves it; "" if the application must hand it in
	ID       string // the provider's name for it
}

// Resolve tells what a name of the policy stands for: the end of its aliases
// and the entry under models that names that, else the pattern there that says
// the most about it. A provider that nothing names goes by the beginning of the
// model's name. In a cycle of aliases, which Check reports, Resolve stops
// anywhere.
func (p *Policy) Resolve(name string) Resolved {
	r := Resolved{Name: name, Model: p.canonical(name)}
	r.Entry, r.Settings = p.entry(r.Model)
	r.ID = cmp.Or(r.Settings.ID, r.Model)
	r.Provider = cmp.Or(r.Settings.Provider, providerOf(r.Model))
	return r
}

// UsualKey reports whether the provider's usual key may be sent. A server at
// another base URL gets it only for one of the provider's own models: such a
// server is a proxy in front of the provider.
func (r *Resolved) UsualKey() bool {
	return r.Settings.BaseURL == "" || providerOf(r.Model) == r.Provider || providerOf(r.ID) == r.Provider
}

// Server returns the model's provider and, unless that is the default, its
// address.
func (r *Resolved) Server() string {
	if u, err := url.Parse(r.Settings.BaseURL); err == nil && u.Host != "" {
		return r.Provider + " at " + u.Host
	}
	return r.Provider
}

// providerOf returns the provider of a model by the beginning of its name, "" for
// a name that says nothing.
func providerOf(name string) string {
	switch {
	case strings.HasPrefix(name, "gemini-"):
		return "gemini"
	case strings.HasPrefix(name, "gpt-"), isO(name):
		return "openai"
	case strings.HasPrefix(name, "claude-"):
		return "anthropic"
	}
	return ""
}

// isO reports whether a name is of OpenAI's o-series, such as o3 or o4-mini.
func isO(name string) bool {
	return len(name) > 1 && name[0] == 'o' && name[1] >= '0' && name[1] <= '9' && (len(name) == 2 || name[2] == '-')
}

// Matches reports whether a pattern, in which * stands for any text, names the
// model, by its own name or by an alias. Case does not matter.
func (r *Resolved) Matches(pattern string) bool {
	return match.Name(pattern, r.Name) || match.Name(pattern, r.Model)
}

// canonical returns the name that an alias stands for, and any other name as it
// is.
func (p *Policy) canonical(name string) string {
	for range len(p.Aliases) {
		next, ok := p.Aliases[name]
		if !ok {
			break
		}
		name = next
	}
	return name
}

// entry returns the entry of models for a name without aliases.
func (p *Policy) entry(name string) (key string, m Model) {
	if m, ok := p.Models[name]; ok {
		return name, m
	}
	for _, pattern := range slices.Sorted(maps.Keys(p.Models)) {
		if wildcard(pattern, name) && specific(pattern) > specific(key) {
			key, m = pattern, p.Models[pattern]
		}
	}
	return key, m
}

// specific returns how much a pattern says: more for each byte that is not *.
func specific(pattern string) int {
	if pattern == "" {
		return -1
	}
	return len(pattern) - strings.Count(pattern, "*")
}
