package spec

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec/internal/region"
)

// declared finds entries under models that cannot be built or are not used.
func (c *checker) declared() {
	used := make(map[string]bool)
	for _, name := range c.mentioned() {
		used[c.Resolve(name).Entry] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		path, m := at("models", name), c.Models[name]
		if IsLastResort(name) {
			c.err(path, "settings of a model for a last resort; set what "+name+" says in section degrade")
			continue
		}
		if !used[name] && !strings.Contains(name, "*") { // requests to a gateway may use a pattern
			c.warn(path, "no target uses "+quoted(name)+didYouMean(name, c.mentioned())+"; name a target, or remove it, unless requests to a gateway name it")
		}
		if c.Resolve(name).Provider == "" && !c.given(at(path, "provider")) && (m.ID != "" || m.BaseURL != "" || m.CredentialEnv != "") {
			c.err(path, "id, base_url and credential_env need a provider; add one, such as provider: openai")
		}
		c.rateLimits(at(path, "rate_limits"), m.RateLimits)
		if m.Config != nil {
			c.config(at(path, "config"), m.Config)
		}
	}
}

// config finds settings of a model that cannot be combined.
func (c *checker) config(path string, m *ModelConfig) {
	if m.ThinkingBudget != nil && m.ThinkingLevel != "" {
		c.err(at(path, "thinking_level"), "thinking_level and thinking_budget exclude each other; remove one of them")
	}
	if s := m.System; s != nil && (s.Prefix == "") == (s.Replace == "") && c.clean(at(path, "system")) {
		c.err(at(path, "system"), "set either prefix or replace")
	}
}

// references finds names in flags, rules and the hedge that match no target.
func (c *checker) references() {
	names := c.mentioned()
	for _, t := range c.chain {
		names = append(names, t.Name)
	}
	names = append(names, slices.Sorted(maps.Keys(c.Models))...)
	refer := func(path string, patterns []string) {
		for i, pattern := range patterns {
			if pattern != "" && !slices.ContainsFunc(names, func(name string) bool { return match.Name(pattern, name) }) {
				c.err(at(path, i), "no target or model is named "+quoted(pattern)+didYouMean(pattern, names))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Flags)) {
		refer(at("flags", name, "targets"), c.Flags[name].Targets)
	}
	if c.Compliance != nil {
		for i, rule := range c.Compliance.Rules {
			refer(at("compliance.rules", i, "targets"), rule.Targets)
		}
	}
	if c.Hedge != nil {
		c.hedge(c.Hedge)
	}
}

// regions finds models whose region is not the one that is called. That is an error if
// compliance rules rely on regions, and a warning otherwise.
func (c *checker) regions() {
	report := c.warn
	if c.ReliesOnRegions() {
		report = c.err
	}
	for _, t := range c.called() {
		for _, r := range t.Models() {
			if r.Settings.Region == "" || c.known.HandsIn(r) {
				continue
			}
			path := at("models", r.Entry, "region")
			if r.Provider == "vertexai" && !location.MatchString(r.Settings.Region) {
				c.err(path, "must be a location of Vertex AI, such as europe-west4, not "+quoted(r.Settings.Region))
			} else if wrong := r.wrongRegion(); wrong != "" {
				report(path, wrong)
			}
		}
	}
}

// location is the form of a location of Vertex AI, which becomes part of a host's name.
var location = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// IsLocation reports whether a region can be a location of Vertex AI.
func IsLocation(region string) bool { return location.MatchString(region) }

// wrongRegion returns what is wrong with a model's region, "" for nothing.
func (r *Resolved) wrongRegion() string {
	want := match.Fold(r.Settings.Region)
	host := ""
	if u, err := url.Parse(r.Settings.BaseURL); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	if _, rest, ok := strings.Cut(r.ID, "/locations/"); ok && r.Provider == "vertexai" {
		if named, _, _ := strings.Cut(rest, "/"); match.Fold(named) != want {
			return "id names location " + quoted(named) + ", not " + quoted(r.Settings.Region)
		}
	}
	// Vertex AI is called in the region that the file names. A model without a provider
	// may be on Vertex AI, if the environment says so.
	fixed := r.Provider != "" && r.Provider != "vertexai" && (r.Provider != "gemini" || r.Settings.Provider != "")
	served, known := region.Of(host, fixed)
	switch {
	case r.Provider == "vertexai" && r.Settings.CredentialEnv != "" && host == "" && want != "global":
		return "an API key on Vertex AI is served by the global endpoint; remove credential_env to use application default credentials, or set region: global"
	case !known, served == want, served == "eu" && want == "europe":
		return ""
	case served != "":
		return "the server at base_url is in region " + served + ", not in " + quoted(r.Settings.Region)
	case r.Provider == "gemini":
		return "the Gemini API has no regions; use provider: vertexai, or remove region"
	}
	return r.Provider + "'s own endpoint has no region; set base_url to one that has, or remove region"
}
