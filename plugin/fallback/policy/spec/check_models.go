package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/match"
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
		if c.Resolve(name).Provider == "" && (m.ID != "" || m.BaseURL != "" || m.CredentialEnv != "") {
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

// mentioned returns the models that the policy uses, with aliases resolved.
func (c *checker) mentioned() []string {
	var names []string
	for _, t := range c.chain {
		names = append(names, t.Model)
	}
	for _, id := range slices.Sorted(maps.Keys(c.Experiments)) {
		for _, arm := range c.Experiments[id].Arms {
			names = append(names, c.canonical(arm.Model))
		}
	}
	if c.Cascade != nil {
		names = append(names, c.canonical(c.Cascade.Model))
		if c.Cascade.Grader != "" {
			names = append(names, c.canonical(c.Cascade.Grader))
		}
	}
	if t, ok := c.PreviewTarget(); ok {
		names = append(names, t.Model)
	}
	return names
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
