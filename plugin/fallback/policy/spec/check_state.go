package spec

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
