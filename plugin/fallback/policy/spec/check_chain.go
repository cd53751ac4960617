package spec

import (
	"fmt"
	"maps"
	"slices"
)

// unreachable finds entries that no call reaches.
func (c *checker) unreachable() {
	always := false // an earlier entry always answers
	for _, t := range c.chain {
		if t.entry == "" {
			continue
		}
		for _, doubt := range t.Condition.compiled.Doubts() {
			c.warn(at(t.entry, "condition"), doubt)
		}
		if value, constant := t.Condition.compiled.Constant(); constant && !value {
			c.warn(at(t.entry, "condition"), "condition is never true, so that this fallback is never used; correct it or remove the entry")
		}
		if always {
			c.warn(t.Path, quoted(t.Name)+" is never used, because "+TemplateResponse+" before it always answers; move "+TemplateResponse+" to the end")
		}
		always = always || t.Model == TemplateResponse && t.Condition.followsAll() && !c.flagged(t)
	}
}

// flagged reports whether a flag can switch a target off.
func (c *checker) flagged(t Target) bool {
	for _, flag := range c.Flags {
		if slices.ContainsFunc(flag.Targets, t.Matches) {
			return true
		}
	}
	return false
}

// prices finds models whose price is needed but unknown.
func (c *checker) prices() {
	if c.known.Price == nil {
		return
	}
	for i, t := range c.chain {
		if i == 0 || t.Condition.compiled == nil || !t.Condition.compiled.Uses("cost") {
			continue
		}
		for _, r := range c.chain[i-1].Models() {
			if !c.priced(r) {
				c.warn(at(t.entry, "condition"), "condition uses cost, but "+r.Name+" has no price; set "+at("models", r.Name, "price"))
			}
		}
	}
	if !c.Budgets.Spending() {
		return
	}
	for _, t := range c.called() {
		for i, r := range t.Models() {
			path := t.Path
			if i > 0 {
				path = at("experiments", t.Experiment, "arms", i, "model")
			}
			if !c.priced(r) {
				c.warn(path, "budgets need the price of "+r.Name+"; set "+at("models", r.Name, "price"))
			}
		}
	}
}

func (c *checker) priced(r Resolved) bool {
	return r.Settings.Price != nil || c.known.Price(r.ID)
}

// windows finds chains in which every fallback has a smaller context window than the primary.
// A tenth less is as large: vendors' counts of the same text differ by more.
func (c *checker) windows() {
	models := c.models()
	if len(models) < 2 || c.Overflow == "trim" {
		return
	}
	primary, largest := c.known.ContextWindow(models[0].Resolved), 0
	for _, t := range models[1:] {
		window := c.known.ContextWindow(t.Resolved)
		if window == 0 || window >= primary-primary/10 {
			return
		}
		largest = max(largest, window)
	}
	c.warn("fallbacks", fmt.Sprintf("%s reads %d tokens, and no fallback reads more than %d: longer requests have no fallback; add a model with as large a window", quoted(models[0].Name), primary, largest))
}

// overflow finds a policy that cannot trim, because no window is known.
func (c *checker) overflow() {
	if c.Overflow != "trim" || c.known.Window == nil {
		return
	}
	if !slices.ContainsFunc(c.models(), func(t Target) bool { return c.known.ContextWindow(t.Resolved) > 0 }) {
		c.err("overflow", "trim needs a target whose context window is known; set models.NAME.context_window")
	}
}

// credentials finds chains that depend on a single credential.
func (c *checker) credentials() {
	models := c.models()
	if len(models) < 2 {
		return
	}
	for _, t := range models {
		if one := c.known.Credential(models[0]); one == "" || c.known.Credential(t) != one {
			return
		}
	}
	c.warn("fallbacks", "every model uses one credential, "+c.known.Credential(models[0])+"; use another account for one of them, so that quota and billing cannot stop all")
}

// bypassed finds credentials and addresses of models that the application supplies.
func (c *checker) bypassed() {
	inUse := make(map[string]bool) // by the entries under models that targets have
	for _, t := range c.called() {
		for _, r := range t.Models() {
			inUse[r.Entry] = inUse[r.Entry] || !c.known.HandsIn(r)
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(inUse)) {
		m := c.Models[entry]
		for _, setting := range []struct{ key, value string }{
			{"credential_env", m.CredentialEnv}, {"base_url", m.BaseURL},
		} {
			if setting.value != "" && !inUse[entry] {
				c.warn(at("models", entry, setting.key), setting.key+" is not used, because the application supplies the model; remove it")
			}
		}
	}
}

// switches finds flags that leave a call without targets.
func (c *checker) switches() {
	everyTarget := func(patterns []string) bool {
		return len(c.chain) > 0 && !slices.ContainsFunc(c.chain, func(t Target) bool {
			return !slices.ContainsFunc(patterns, t.Matches) || t.Cheap != nil && !slices.ContainsFunc(patterns, t.Cheap.Matches)
		})
	}
	var union []string
	one := false
	for _, name := range slices.Sorted(maps.Keys(c.Flags)) {
		targets := c.Flags[name].Targets
		union = append(union, targets...)
		if everyTarget(targets) {
			one = true
			c.warn(at("flags", name, "targets"), "while this flag is off, no target is left and every call fails; remove a target from this flag")
		}
	}
	if !one && everyTarget(union) {
		c.warn("flags", "while all of these flags are off, no target is left and every call fails; leave a target without a flag")
	}
}
