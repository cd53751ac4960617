package main

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Each function here says in a few words what one layer around a model is set to,
// "" for a layer that is not there.

func retryText(r *spec.Retry) string {
	if r == nil || r.MaxAttempts < 2 {
		return ""
	}
	text := fmt.Sprintf("≤%d, backoff %s to %s, the provider's own wait up to %s", r.MaxAttempts-1, short(r.BaseDelay), short(r.MaxDelay), short(r.MaxWait))
	if r.SkipWait > 0 {
		text += ", up to " + short(r.SkipWait) + " while another target is left"
	}
	return text + ", for " + r.Budget.String() + " of calls"
}

func validateText(v *spec.Validate) string {
	if v == nil {
		return ""
	}
	var rules []string
	if v.Schema {
		rules = append(rules, "the schema of the request")
	}
	if v.MinLength > 0 {
		rules = append(rules, "at least "+plural(v.MinLength, "character"))
	}
	if v.Pattern != "" {
		rules = append(rules, fmt.Sprintf("pattern %q", v.Pattern))
	}
	if v.Function != "" {
		rules = append(rules, "function "+v.Function)
	}
	return strings.Join(rules, ", ")
}

func breakerText(c *spec.CircuitBreaker) string {
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

func limitText(r *spec.RateLimits, ranks *spec.Priority) string {
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
	text := fmt.Sprintf("%s; %d may wait up to %s", strings.Join(limits, ", "), r.Queue, short(r.QueueTimeout))
	if ranks != nil {
		text += fmt.Sprintf(", by %s: %s", ranks.From, strings.Join(ranks.Classes, " before "))
	}
	return text
}

func timeoutText(p *spec.Policy, t *spec.Target) string {
	var limits []string
	add := func(what string, limit time.Duration) {
		if limit > 0 {
			limits = append(limits, what+" "+short(limit))
		}
	}
	if t.Streamed == t.Silence {
		add("first content", t.Silence)
	} else {
		add("answer", t.Silence)
		add("first content of a stream", t.Streamed)
	}
	if p.Stream != nil {
		add("idle", p.Stream.Idle)
	}
	if p.Timeouts != nil {
		add("attempt", p.Timeouts.Attempt)
	}
	return strings.Join(limits, ", ")
}

func spendText(b *spec.Budgets) string {
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
	return strings.Join(limits, ", ")
}

// configText says what requests to a model carry instead of the agent's settings.
func configText(p *spec.Policy, r spec.Resolved) string {
	var text strings.Builder
	if c := r.Settings.Config; c != nil {
		v := reflect.ValueOf(c).Elem()
		for i := range v.NumField() {
			if value := reflect.Indirect(v.Field(i)); value.IsValid() && (v.Field(i).Kind() == reflect.Pointer || !value.IsZero()) {
				key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("key"), ",")
				format := ", %s %v"
				if value.Kind() == reflect.Slice {
					format = ", %s %q"
				}
				fmt.Fprintf(&text, format, key, value)
			}
		}
	}
	if most := p.Budgets.MaxOutput(); most > 0 {
		fmt.Fprintf(&text, ", answers of at most %d tokens", most)
	}
	return text.String()
}

func flagText(name string, f spec.Flag) string {
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
func complianceText(c *spec.Compliance, r spec.Resolved) string {
	if c == nil {
		return ""
	}
	denies, redacts := 0, 0
	for _, rule := range c.Rules {
		switch {
		case rule.Allows(r):
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
