package spec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/adk-fallback/adk-fallback/internal/duration"
)

// switching finds settings of the switch to a fallback that contradict others or have no
// effect.
func (c *checker) switching() {
	if b := c.CircuitBreaker; b != nil && !b.Probe && c.given("circuit_breaker.probe_timeout") {
		c.warn("circuit_breaker.probe_timeout", "probe_timeout has no effect without probe: true; set it, or remove probe_timeout")
	}
	if !slices.ContainsFunc(c.models(), func(t Target) bool { return t.entry != "" }) {
		for _, key := range []string{"sticky", "stay_for", "notice", "gate", "warm_standby"} {
			if c.given(key) && c.clean(key) {
				c.warn(key, key+" has no effect without a model among the fallbacks; add one, or remove "+key)
			}
		}
	} else {
		c.standby()
		if c.Sticky == "none" && c.given("stay_for") {
			c.warn("stay_for", "stay_for has no effect with sticky: none; remove one of them")
		}
	}
	c.gate()
	c.preview()
	c.tiers()
}

// standby finds names of no fallback, and a section that keeps no model warm.
func (c *checker) standby() {
	w := c.WarmStandby
	if w == nil {
		return
	}
	for i, pattern := range w.Models {
		if pattern == "" {
			continue
		}
		named := slices.ContainsFunc(c.chain, func(t Target) bool {
			return t.entry != "" && slices.ContainsFunc(t.Models(), func(r Resolved) bool { return r.Matches(pattern) })
		})
		if !named {
			c.err(at("warm_standby.models", i), quoted(pattern)+" is not a model among the fallbacks"+didYouMean(pattern, c.fallbackModels())+"; name one that is, or remove it")
		}
	}
	if len(w.Models) == 0 && len(c.Standbys(c.known)) == 0 && !c.given("warm_standby.models") {
		c.warn("warm_standby", "no fallback is kept warm, because the application supplies them all; name them in models, or remove warm_standby")
	}
}

// answerTool is the function by which ADK has a model give an answer with a schema. It
// cannot be withheld.
const answerTool = "set_model_response"

// gate finds a gate that nobody decides, and tools that it does not withhold.
func (c *checker) gate() {
	g := c.Gate
	if g == nil {
		return
	}
	for i, tool := range g.Tools {
		if tool == answerTool {
			c.warn(at("gate.tools", i), answerTool+" is how a model answers with a schema, and is not withheld; remove it")
		}
	}
	if g.Approve && c.known.Approval != nil && !c.known.Approval() {
		c.err("gate.approve", "the application has no function that approves calls of tools; add policy.WithApproval, or set approve: false")
	}
}

// preview finds a preview that cannot be shown or taken back.
func (c *checker) preview() {
	t, ok := c.PreviewTarget()
	if !ok {
		return
	}
	switch {
	case t.LastResort() && t.Model != CachedAnswer:
		c.err(t.Path, quoted(t.Name)+" does not answer the question; use a model or "+CachedAnswer)
	case c.Primary != "" && t.Model == c.canonical(c.Primary):
		c.err(t.Path, quoted(t.Name)+" is the primary, which is no faster than itself; use a smaller model or "+CachedAnswer)
	}
	if c.Stream != nil && c.Stream.MidStream != "" && c.Stream.MidStream != "restart" {
		c.err("preview", "a preview is taken back when the answer begins, which mid_stream: "+c.Stream.MidStream+" forbids; remove preview or set restart")
	}
	if t.Model == CachedAnswer && c.Cache != nil && len(c.Cache.Rules) == 0 {
		age := Default[Degrade]().CachedMaxAge
		if c.Degrade != nil {
			age = c.Degrade.CachedMaxAge
		}
		if kept := c.Cache.TTL + c.Cache.StaleWhileRevalidate; age > 0 && age <= kept {
			c.warn("preview", fmt.Sprintf("no preview is shown: the cache itself answers for %s, and degrade.cached_max_age is %s; raise it", duration.Text(kept), duration.Text(age)))
		}
	}
}

// tiers finds tiers without effect.
func (c *checker) tiers() {
	works := make(map[string]bool) // by the entry under models
	var before *Target
	for _, t := range c.Chain() {
		if before != nil && t.tier() != "" && t.tier() == before.tier() {
			works[t.Entry], works[before.Entry] = true, true
		}
		before = &t
	}
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		if c.Models[name].Tier != "" && !works[name] {
			c.warn(at("models", name, "tier"), "tier has no effect: no neighbour in the chain has the same one, or a condition is not error; name it there too, or remove it")
		}
	}
}

// tier returns the tier of a target, "" for none.
func (t *Target) tier() string {
	if t.LastResort() || t.entry != "" && !t.Condition.Plain() {
		return ""
	}
	return t.Settings.Tier
}
