package spec

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/match"
)

// Resolved is the model that a name in a policy refers to.
type Resolved struct {
	Name     string // as in the policy
	Model    string // with aliases resolved
	Entry    string // the most specific key under models that matches; "" for none
	Settings Model  // of Entry
	Provider string // "" if the application must supply the model
	ID       string // the provider's name for the model
}

// Resolve returns the model that a name in the policy refers to. It follows aliases, and
// finds the entry under models with that name, or else with the most specific pattern that
// matches it. If no provider is set, the beginning of the model's name decides. In a cycle
// of aliases, which Check reports, the result is any of them.
func (p *Policy) Resolve(name string) Resolved {
	r := Resolved{Name: name, Model: p.canonical(name)}
	r.Entry, r.Settings = p.entry(r.Model)
	r.ID = cmp.Or(r.Settings.ID, r.Model)
	r.Provider = cmp.Or(r.Settings.Provider, providerOf(r.Model))
	return r
}

// UsualKey reports whether the provider's usual key may be sent. A server at another base
// URL gets it only for a model with one of the provider's own names: then it is a proxy in
// front of the provider.
func (r *Resolved) UsualKey() bool {
	return r.Settings.BaseURL == "" || providerOf(r.Model) == r.Provider || providerOf(r.ID) == r.Provider
}

// Server returns the model's provider, and its host if there is a base URL.
func (r *Resolved) Server() string {
	if u, err := url.Parse(r.Settings.BaseURL); err == nil && u.Host != "" {
		return r.Provider + " at " + u.Host
	}
	return r.Provider
}

// providerOf returns the provider by the beginning of a model's name, "" if it is unknown.
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

// isO reports whether a name belongs to OpenAI's o-series, such as o3 or o4-mini.
func isO(name string) bool {
	return len(name) > 1 && name[0] == 'o' && name[1] >= '0' && name[1] <= '9' && (len(name) == 2 || name[2] == '-')
}

// Matches reports whether a pattern matches the name in the policy or the model's own. *
// stands for any text. Case does not matter.
func (r *Resolved) Matches(pattern string) bool {
	return match.Name(pattern, r.Name) || match.Name(pattern, r.Model)
}

func (r *Resolved) matchesAny(patterns []string) bool {
	return slices.ContainsFunc(patterns, r.Matches)
}

// canonical returns name with aliases resolved.
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

// entry returns the entry under models for a name that is not an alias.
func (p *Policy) entry(name string) (key string, m Model) {
	if m, ok := p.Models[name]; ok {
		return name, m
	}
	for pattern, candidate := range p.Models { // not sorted: a gateway resolves names on each call
		if match.Folded(pattern, name) && moreSpecific(pattern, key) {
			key, m = pattern, candidate
		}
	}
	return key, m
}

// moreSpecific reports whether a pattern takes precedence over another: it is more specific,
// or equally specific and first in alphabetical order.
func moreSpecific(pattern, other string) bool {
	if a, b := specific(pattern), specific(other); a != b {
		return a > b
	}
	return pattern < other
}

// specific returns how specific a pattern is: the number of bytes that are not *.
func specific(pattern string) int {
	if pattern == "" {
		return -1
	}
	return len(pattern) - strings.Count(pattern, "*")
}
