package spec

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/duration"
	"github.com/adk-fallback/adk-fallback/internal/kinds"
	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/phrase"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
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
		if !used[name] {
			c.warn(path, "no target uses "+quoted(name)+didYouMean(name, c.mentioned())+"; name a target, or remove it")
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

// codes finds words in errors.codes that match no failure.
func (c *checker) codes() {
	if c.Errors == nil {
		return
	}
	for i, code := range c.Errors.Codes {
		word, path := string(code), at("errors.codes", i)
		lower := strings.ToLower(word)
		switch {
		case word == "", lower == AnyFailure, '0' <= word[0] && word[0] <= '9':
			continue
		case lower == "canceled":
			c.err(path, "canceled never matches: a call that its caller has given up is not answered; remove it")
			continue
		case lower == "content":
			c.err(path, "content has no effect here; set errors.content_policy")
			continue
		case slices.Contains(kinds.All(), lower), c.known.Code != nil && c.known.Code(word):
			continue
		}
		hint := kindMeant(lower)
		switch {
		case word == lower && c.known.Code != nil:
			c.err(path, quoted(word)+" is neither a kind nor a known code"+hint+"; the kinds are "+strings.Join(kinds.All(), ", "))
		case hint != "": // other words may be codes of providers, which nobody knows all of
			c.warn(path, quoted(word)+" is not a kind"+hint)
		}
	}
}

// kindMeant returns " (did you mean …?)" for the kind that a word is a misspelling of.
func kindMeant(word string) string {
	plain := strings.NewReplacer("_", "", "-", "")
	for _, kind := range kinds.All() {
		if plain.Replace(word) == plain.Replace(kind) {
			return didYouMean(kind+"?", []string{kind})
		}
	}
	return didYouMean(word, append(kinds.All(), AnyFailure))
}

// switches finds flags that leave a call without targets.
func (c *checker) switches() {
	everyTarget := func(patterns []string) bool {
		return len(c.chain) > 0 && !slices.ContainsFunc(c.chain, func(t Target) bool { return !slices.ContainsFunc(patterns, t.Matches) })
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

func (c *checker) hedge(h *Hedge) {
	var fallbacks []string
	for _, t := range c.models() {
		if t.entry != "" {
			fallbacks = append(fallbacks, t.Name)
		}
	}
	switch {
	case len(fallbacks) == 0:
		c.err("hedge", "hedge needs a model among the fallbacks; add one")
	case h.Target != "" && !slices.Contains(fallbacks, h.Target):
		c.err("hedge.target", quoted(h.Target)+" is not a model among the fallbacks"+didYouMean(h.Target, fallbacks))
	}
	if len(c.chain) == 0 {
		return
	}
	key, wait := "delay", h.Delay
	switch {
	case wait == 0:
		key, wait = "min_delay", h.MinDelay
	case c.given("hedge.min_delay"):
		c.warn("hedge.min_delay", "min_delay has no effect beside delay; remove one of them")
	}
	if limit := c.cutOff(c.chain[0]); limit > 0 && wait >= limit {
		c.warn(at("hedge", key), fmt.Sprintf("%s %s is never reached, because %s is cut off after %s without content; use less",
			key, duration.Text(wait), c.chain[0].Name, duration.Text(limit)))
	}
}

// experiments finds experiments whose arms, shares or targets are wrong.
func (c *checker) experiments() {
	taken := make(map[string]string) // the experiment of a target
	for _, id := range slices.Sorted(maps.Keys(c.Experiments)) {
		path, e := at("experiments", id), c.Experiments[id]
		c.arms(at(path, "arms"), e.Arms)
		name := e.Target
		if name == "" {
			name = c.Primary
		}
		i := slices.IndexFunc(c.models(), func(t Target) bool { return t.Model == c.canonical(name) })
		if i < 0 {
			if e.Target != "" {
				c.err(at(path, "target"), quoted(name)+" is neither the primary nor a model among the fallbacks"+didYouMean(name, c.mentioned()))
			}
			continue
		}
		control := c.models()[i].Model
		if taken[control] != "" {
			c.err(path, name+" is in experiment "+taken[control]+" already; a target can have one")
		}
		taken[control] = id
		if len(e.Arms) > 0 && e.Arms[0].Model != "" && c.canonical(e.Arms[0].Model) != control {
			c.err(at(path, "arms", 0, "model"), "the first arm is the control and must be the target, "+name+", not "+quoted(e.Arms[0].Model))
		}
	}
}

func (c *checker) arms(path string, arms []Arm) {
	sum := Share(0)
	cohorts := make([]string, len(arms))
	for i, arm := range arms {
		if cohorts[i] = arm.Cohort; arm.Cohort == "" {
			cohorts[i] = arm.Model
		}
		if IsLastResort(c.canonical(arm.Model)) {
			c.err(at(path, i, "model"), quoted(arm.Model)+" is a last resort; an arm must be a model")
		}
		sum += arm.Share
	}
	c.unique(path, cohorts)
	if c.clean(path) && len(arms) > 0 && math.Abs(float64(sum)-1) > 1e-6 {
		c.err(path, "shares add up to "+sum.String()+"; they must add up to 100%")
	}
}

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
		c.validate(c.Validate)
	}
	if c.Compliance != nil {
		c.rules(c.Compliance.Rules)
	}
	if d := c.Degrade; d != nil && !c.has(TemplateResponse) && c.given("degrade.template") {
		c.warn("degrade.template", "template is not used; add "+TemplateResponse+" to the fallbacks")
	}
	if c.Cache != nil {
		c.cacheRules(c.Cache.Rules)
	}
	if c.has(RetrievalAnswer) && c.known.Retrieval != nil && !c.known.Retrieval() {
		c.err(c.pathOf(RetrievalAnswer), RetrievalAnswer+" needs passages; add policy.WithRetrieval")
	}
	if c.Degrade != nil && c.Degrade.Retrieval != nil && !c.has(RetrievalAnswer) {
		c.warn("degrade.retrieval", "retrieval is not used; add "+RetrievalAnswer+" to the fallbacks")
	}
	if c.Degrade != nil && c.Degrade.Template != "" {
		if _, err := phrase.Parse(c.Degrade.Template); err != nil {
			c.err("degrade.template", redact.Text(err.Error(), 2*strictyaml.MaxMessage))
		}
	}
	names := make([]string, len(c.Alerts))
	for i, alert := range c.Alerts {
		names[i] = alert.Name
	}
	c.unique("alerts", names)
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

// validate finds a section that accepts every answer, and an unknown function.
func (c *checker) validate(v *Validate) {
	if !v.Schema && v.Pattern == "" && v.MinLength == 0 && v.Function == "" && c.clean("validate") {
		c.err("validate", "every answer is accepted; set pattern, min_length, function or schema: true")
	}
	if v.Function != "" && c.known.Validator != nil && !c.known.Validator(v.Function) {
		c.err("validate.function", "the application has no function "+quoted(v.Function)+"; add it to policy.Validators")
	}
}

func (c *checker) budgets(b *Budgets) {
	first := make(map[string]string)
	for _, tenant := range slices.Sorted(maps.Keys(b.Tenants)) {
		if other := first[match.Fold(tenant)]; other != "" {
			c.err(at("budgets.tenants", tenant), quoted(tenant)+" is the same tenant as "+quoted(other)+"; case does not matter")
		}
		first[match.Fold(tenant)] = tenant
	}
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
		c.err("budgets.exhausted", "degrade needs a last resort; add "+CachedAnswer+", "+RetrievalAnswer+" or "+TemplateResponse+" to the fallbacks")
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

func (c *checker) unique(path string, names []string) {
	seen := make(map[string]bool)
	for i, name := range names {
		folded := match.Fold(name) // names are compared without case
		if folded != "" && seen[folded] {
			c.err(at(path, i), quoted(name)+" is listed twice")
		}
		seen[folded] = true
	}
}

// has reports whether name is a target of the chain.
func (c *checker) has(name string) bool {
	return slices.ContainsFunc(c.chain, func(t Target) bool { return t.Model == name })
}

// pathOf returns the path of the entry of the chain that is called name.
func (c *checker) pathOf(name string) string {
	return c.chain[slices.IndexFunc(c.chain, func(t Target) bool { return t.Model == name })].Path
}

// clean reports whether no problem has been found at or below path.
func (c *checker) clean(path string) bool {
	return !slices.ContainsFunc(c.problems, func(p Problem) bool { return strings.HasPrefix(p.Path, path) })
}

// given reports whether the file has a value at path.
func (c *checker) given(path string) bool {
	_, ok := c.doc.Places[path]
	return ok
}
