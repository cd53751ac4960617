package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// Each function here says in a few words what one layer is set to, "" for a layer
// that is not there.

func cacheText(p *policy.Policy) string {
	if c := p.Cache; c != nil {
		settings := "for " + short(c.TTL)
		if c.StaleWhileRevalidate > 0 {
			settings += ", then stale for " + short(c.StaleWhileRevalidate)
		}
		return fmt.Sprintf("%s, up to %s, shared by a %s", settings, c.MaxBytes, c.Scope)
	}
	for _, e := range p.Fallbacks {
		if p.Resolve(e.Name).Model == policy.CachedAnswer || mentions(e.Condition.String(), "cache_hit") {
			return "for cached-answer and cache_hit alone"
		}
	}
	return ""
}

func retryText(r *policy.Retry) string {
	if r == nil || r.MaxAttempts < 2 {
		return ""
	}
	text := fmt.Sprintf("≤%d, backoff %s to %s, the provider's own wait up to %s", r.MaxAttempts-1, short(r.BaseDelay), short(r.MaxDelay), short(r.MaxWait))
	if r.SkipWait > 0 {
		text += ", up to " + short(r.SkipWait) + " while another target is left"
	}
	return text + ", for " + r.Budget.String() + " of calls"
}

func breakerText(c *policy.CircuitBreaker) string {
	if c == nil {
		return ""
	}
	text := fmt.Sprintf("%s within %s open it for %s", plural(c.FailureThreshold, "failure"), short(c.Window), short(c.Backoff))
	if c.MaxBackoff > c.Backoff {
		text += " to " + short(c.MaxBackoff)
	}
	if c.FailureRatio > 0 {
		text += fmt.Sprintf("; so does %s of %s", c.FailureRatio, plural(c.MinRequests, "call"))
	}
	return text
}

func limitText(r *policy.RateLimits) string {
	if r == nil {
		return ""
	}
	var limits []string
	for _, limit := range []struct {
		value int
		unit  string
	}{{r.RequestsPerMinute, "request"}, {r.TokensPerMinute, "token"}} {
		if limit.value > 0 {
			limits = append(limits, plural(limit.value, limit.unit)+" a minute")
		}
	}
	if r.Concurrency > 0 {
		limits = append(limits, fmt.Sprintf("%d at a time", r.Concurrency))
	}
	if r.Adaptive {
		limits = append(limits, "adaptive")
	}
	return fmt.Sprintf("%s; %d may wait up to %s", strings.Join(limits, ", "), r.Queue, short(r.QueueTimeout))
}

func timeoutText(p *policy.Policy, x *place) string {
	var limits []string
	add := func(what string, limit time.Duration) {
		if limit > 0 {
			limits = append(limits, what+" "+short(limit))
		}
	}
	if x.streamed == x.silence {
		add("first content", x.silence)
	} else {
		add("answer", x.silence)
		add("first content of a stream", x.streamed)
	}
	if p.Stream != nil {
		add("idle", p.Stream.Idle)
	}
	if p.Timeouts != nil {
		add("attempt", p.Timeouts.Attempt)
	}
	return strings.Join(limits, ", ")
}

func spendText(b *policy.Budgets) string {
	if b == nil {
		return ""
	}
	var limits []string
	if b.USDPerDay > 0 {
		limits = append(limits, b.USDPerDay.String()+" a day for each tenant")
	}
	if len(b.Tenants) > 0 {
		limits = append(limits, plural(len(b.Tenants), "tenant")+" with a budget of its own")
	}
	if b.MaxOutputTokens > 0 {
		limits = append(limits, fmt.Sprintf("answers of at most %d tokens", b.MaxOutputTokens))
	}
	return strings.Join(limits, ", ")
}

func flagText(name string, f policy.Flag) string {
	state := "off"
	if f.Default {
		state = "on"
	}
	if f.Rollout < 1 {
		state += fmt.Sprintf(", for %s of the %ss", f.Rollout, f.StickyBy)
	}
	return name + ", by default " + state
}

// complianceText counts the rules that a model is not named by.
func complianceText(c *policy.Compliance, m served) string {
	if c == nil {
		return ""
	}
	denies, redacts := 0, 0
	for _, rule := range c.Rules {
		switch {
		case rule.Allows(m.resolved):
		case rule.Otherwise == "redact":
			redacts++
		default:
			denies++
		}
	}
	var parts []string
	if denies > 0 {
		parts = append(parts, plural(denies, "rule")+" may deny it")
	}
	if redacts > 0 {
		parts = append(parts, plural(redacts, "rule")+" may redact what it sees")
	}
	return strings.Join(parts, ", ")
}

func hedgeText(h *policy.Hedge) string {
	when := "after the 95th percentile of its times to first content, at least " + short(h.MinDelay)
	if h.Delay > 0 {
		when = "after " + short(h.Delay)
	}
	return fmt.Sprintf("%s without content, for %s of calls", when, h.MaxExtraLoad)
}

func splitText(id string, e policy.Experiment) string {
	text := fmt.Sprintf("%s, by %s", id, e.StickyBy)
	if e.MaxDrift > 0 {
		text += fmt.Sprintf(", back to the control when an arm fails more often by %s", e.MaxDrift)
	}
	return text
}

func armText(a policy.Arm) string { return cmp.Or(a.Cohort, a.Model) + " " + a.Share.String() }

// short writes a duration as a person would: 1m, not 1m0s.
func short(d time.Duration) string {
	text := d.Round(time.Microsecond).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// plural counts things; "" for none.
func plural(n int, thing string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func words[T ~string](all []T) string {
	var b strings.Builder
	for i, word := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}
