package spec

import (
	"maps"
	"slices"
)

// models returns the targets of the chain that are models.
func (c *checker) models() []Target {
	var models []Target
	for _, t := range c.chain {
		if !IsLastResort(t.Model) {
			models = append(models, t)
		}
	}
	return models
}

// fallbackModels returns the names of the models among the fallbacks.
func (c *checker) fallbackModels() (names []string) {
	for _, t := range c.models() {
		if t.entry != "" {
			names = append(names, t.Name)
		}
	}
	return names
}

// called returns the targets that are models: those of the chain and of the cascade, and
// the preview.
func (c *checker) called() []Target {
	models := append(c.models(), c.cascaded()...)
	t, ok := c.PreviewTarget()
	if !ok || t.LastResort() || slices.ContainsFunc(models, func(m Target) bool { return m.Model == t.Model }) {
		return models
	}
	return append(models, t)
}

// cascaded returns the targets of the cascade beside the primary that are models.
func (c *checker) cascaded() (all []Target) {
	if len(c.chain) == 0 {
		return nil
	}
	for _, t := range []*Target{c.chain[0].Cheap, c.chain[0].Grader} {
		if t != nil && !t.LastResort() {
			all = append(all, *t)
		}
	}
	return all
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

// has reports whether name is a target of the chain.
func (c *checker) has(name string) bool {
	return slices.ContainsFunc(c.chain, func(t Target) bool { return t.Model == name })
}

// pathOf returns the path of the entry of the chain that is called name.
func (c *checker) pathOf(name string) string {
	return c.chain[slices.IndexFunc(c.chain, func(t Target) bool { return t.Model == name })].Path
}
