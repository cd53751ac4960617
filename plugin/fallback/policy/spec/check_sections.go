package spec

import (
	"maps"
	"slices"

	"github.com/adk-fallback/adk-fallback/internal/duration"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// sections finds values that contradict others in their section.
func (c *checker) sections() {
	c.rateLimits("rate_limits", c.RateLimits)
	if r := c.Retry; r != nil && r.BaseDelay > r.MaxDelay && r.MaxDelay > 0 {
		c.err("retry.max_delay", "max_delay is "+duration.Text(r.MaxDelay)+", less than base_delay; use "+duration.Text(r.BaseDelay)+" or more")
	}
	if b := c.CircuitBreaker; b != nil && b.MaxBackoff > 0 && b.MaxBackoff < b.Backoff {
		c.err("circuit_breaker.max_backoff", "max_backoff is "+duration.Text(b.MaxBackoff)+", less than backoff; use "+duration.Text(b.Backoff)+" or more")
	}
	if c.Priority != nil {
		c.unique("priority.classes", c.Priority.Classes)
		if c.RateLimits == nil && !slices.ContainsFunc(slices.Collect(maps.Values(c.Models)), func(m Model) bool { return m.RateLimits != nil }) {
			c.warn("priority", "priority has no effect without rate_limits; add that section")
		}
	}
	if c.Budgets != nil {
		c.budgets(c.Budgets)
	}
	if c.Validate != nil {
		c.validate("validate", c.Validate)
	}
	if c.Compliance != nil {
		c.rules(c.Compliance.Rules)
	}
	if c.Cache != nil {
		c.cacheRules(c.Cache.Rules)
	}
	c.degrade()
	c.cascade()
	c.overflow()
	c.alerts()
}

// cacheRules finds rules that contradict themselves, and rules that no call gets to.
func (c *checker) cacheRules(rules []CacheRule) {
	for i, r := range rules {
		path := at("cache.rules", i)
		if r.Skip && r.TTL > 0 {
			c.err(at(path, "ttl"), "an answer that is not kept has no ttl; remove skip or ttl")
		}
		if all := r.Agent == "" && len(r.Labels) == 0 && r.Prompt == ""; all && i+1 < len(rules) && c.clean(path) {
			c.warn(path, "rule matches every call, so that the rules after it have no effect; move it to the end")
		}
	}
}

func (c *checker) rateLimits(path string, r *RateLimits) {
	if r == nil || r.RequestsPerMinute > 0 || r.TokensPerMinute > 0 || r.Concurrency > 0 {
		return
	}
	// A limit that is set but invalid is reported already.
	for _, key := range []string{"requests_per_minute", "tokens_per_minute", "concurrency"} {
		if c.given(at(path, key)) {
			return
		}
	}
	c.err(path, "no limit is set; set requests_per_minute, tokens_per_minute or concurrency")
}

// validate finds a section at path that accepts every answer, and an unknown function.
func (c *checker) validate(path string, v *Validate) {
	if !v.Schema && v.Pattern == "" && v.MinLength == 0 && v.Function == "" && c.clean(path) {
		c.err(path, "every answer is accepted; set pattern, min_length, function or schema: true")
	}
	if v.Function != "" && c.known.Validator != nil && !c.known.Validator(v.Function) {
		c.err(at(path, "function"), "the application has no function "+quoted(v.Function)+"; add it to policy.Validators")
	}
}

func (c *checker) budgets(b *Budgets) {
	c.tenants("budgets.tenants", slices.Sorted(maps.Keys(b.Tenants)))
	spend := b.USDPerDay > 0 || c.given("budgets.usd_per_day") || len(b.Tenants) > 0 || c.given("budgets.tenants")
	tokens := b.MaxInputTokens > 0 || c.given("budgets.max_input_tokens") || b.MaxOutputTokens > 0 || c.given("budgets.max_output_tokens")
	switch {
	case !spend && !tokens:
		c.err("budgets", "no limit is set; set usd_per_day, tenants, max_input_tokens or max_output_tokens")
	case !spend && b.SoftLimit != nil:
		c.err("budgets.soft_limit", "soft_limit has no effect without a budget; set usd_per_day or tenants")
	}
	if spend && b.SoftLimit != nil && len(c.chain) > 0 && !c.chain[0].Spared {
		c.warn("budgets.soft_limit", "no model takes the calls that the primary is spared; add one to the fallbacks, before "+TemplateResponse)
	}
	if b.Exhausted == "degrade" && !slices.ContainsFunc(c.chain, func(t Target) bool { return t.LastResort() }) {
		c.err("budgets.exhausted", "degrade needs a last resort; add "+strictyaml.OneOf(lastResorts)+" to the fallbacks")
	}
}

// tenants finds tenants below path that are named twice.
func (c *checker) tenants(path string, names []string) {
	first := make(map[string]string)
	for _, tenant := range names {
		if other := first[match.Fold(tenant)]; other != "" {
			c.err(at(path, tenant), quoted(tenant)+" is the same tenant as "+quoted(other)+"; case does not matter")
		}
		first[match.Fold(tenant)] = tenant
	}
}

// rules finds rules that allow no target.
func (c *checker) rules(rules []Rule) {
	for i, rule := range rules {
		path := at("compliance.rules", i)
		// Problems within the rule, or why the file was not read to its end, are
		// reported already.
		read := c.doc.Places == nil || c.given(path)
		if read && rule.namesNone() && rule.Otherwise != "redact" && c.clean(path) {
			c.err(path, "rule lets no target see the data; add targets or regions, or otherwise: redact")
		}
	}
}

// state finds a section without one address, and settings that nothing uses.
func (c *checker) state() {
	s := c.State
	if s == nil {
		return
	}
	switch url, env := c.given("state.url"), c.given("state.url_env"); {
	case url && env:
		c.err("state.url_env", "both url and url_env are set; remove one of them")
	case !url && !env:
		c.err("state", "no server is set; set url or url_env")
	}
	if c.known.State != nil && !c.known.State() {
		c.err("state", "state needs a client; add policy.WithState, such as policy.WithState(redis.Open) of package plugin/fallback/state/redis")
	}
	if !c.shares() && c.clean("state") {
		c.warn("state", "state has no effect without circuit_breaker, rate_limits, budgets, cache, or an experiment with max_drift; add one of them")
	}
	if s.Unavailable == "deny" && !c.Budgets.Spending() {
		c.warn("state.unavailable", "unavailable: deny has no effect without a budget in dollars; add budgets.usd_per_day")
	}
}

// shares reports whether the policy has anything that replicas share.
func (c *checker) shares() bool {
	if c.CircuitBreaker != nil || c.RateLimits != nil || c.Budgets.Spending() || c.Cache != nil || c.UsesCachedAnswers() {
		return true
	}
	for _, m := range c.Models {
		if m.RateLimits != nil {
			return true
		}
	}
	for _, e := range c.Experiments {
		if e.MaxDrift > 0 {
			return true
		}
	}
	return false
}

// reservedLabels are labels that the rules set or group by.
var reservedLabels = []string{"alertname", "severity", "target", "tenant", "le"}

// alerts finds thresholds of alerts that cannot fire, and labels that would break rules.
func (c *checker) alerts() {
	a := c.Alerts
	if a == nil {
		return
	}
	if c.Observe != nil && !c.Observe.Metrics {
		c.warn("alerts", "alerts need metrics; set observe.metrics: true, or remove alerts")
	}
	for _, need := range c.alertNeeds() {
		for _, key := range need.keys {
			if path := at("alerts", key); !need.met && c.given(path) {
				c.warn(path, key+" has no effect without "+need.need+", or remove "+key)
			}
		}
	}
	c.unique("alerts.disable", a.Disable)
	for key, labels := range map[string]map[string]string{"alerts.selector": a.Selector, "alerts.labels": a.Labels} {
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if slices.Contains(reservedLabels, name) {
				c.err(at(key, name), "label "+name+" is used by the rules themselves; use another label")
			}
		}
	}
}
