package picture

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Each function here describes the settings of one layer around a model in a few
// words, "" for a layer that the policy does not have.

func retryText(r *spec.Retry) string {
	if r == nil || r.MaxAttempts < 2 {
		return ""
	}
	text := fmt.Sprintf("up to %d attempts, backoff %s to %s, provider's delay up to %s", r.MaxAttempts, Short(r.BaseDelay), Short(r.MaxDelay), Short(r.MaxWait))
	if r.SkipWait > 0 {
		text += ", waits up to " + Short(r.SkipWait) + " while another target is available"
	}
	return text + ", for up to " + r.Budget.String() + " of calls"
}

func validateText(v *spec.Validate) string {
	if v == nil {
		return ""
	}
	var rules []string
	if v.Schema {
		rules = append(rules, "response schema of the request")
	}
	if v.MinLength > 0 {
		rules = append(rules, "at least "+Plural(v.MinLength, "character"))
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
	text := "opens for " + Short(c.Backoff)
	if c.MaxBackoff > c.Backoff {
		text += " to " + Short(c.MaxBackoff)
	}
	text += " after " + Plural(c.FailureThreshold, "failure") + " in a row"
	if c.FailureRatio > 0 {
		text += fmt.Sprintf(", or when %s of at least %s fail,", c.FailureRatio, Plural(c.MinRequests, "call"))
	}
	text += " within " + Short(c.Window)
	if c.Probe {
		text += "; probes itself, for up to " + Short(c.ProbeTimeout)
	}
	if c.SuccessesToClose > 1 {
		text += fmt.Sprintf("; closes after %d successes in a row", c.SuccessesToClose)
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
			limits = append(limits, Plural(limit.value, limit.unit)+" per minute")
		}
	}
	if r.Concurrency > 0 {
		limits = append(limits, fmt.Sprintf("%d concurrent", r.Concurrency))
	}
	if r.Adaptive {
		limits = append(limits, "adaptive")
	}
	text := fmt.Sprintf("%s; queue of %d for up to %s", strings.Join(limits, ", "), r.Queue, Short(r.QueueTimeout))
	if ranks != nil {
		text += fmt.Sprintf(", in order of %s: %s", ranks.From, strings.Join(ranks.Classes, ", "))
	}
	return text
}

func timeoutText(p *spec.Policy, t *spec.Target) string {
	var limits []string
	add := func(what string, limit time.Duration) {
		if limit > 0 {
			limits = append(limits, what+" "+Short(limit))
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
		limits = append(limits, b.USDPerDay.String()+" per day and tenant")
	}
	if len(b.Tenants) > 0 {
		limits = append(limits, "own budgets for "+Plural(len(b.Tenants), "tenant"))
	}
	return strings.Join(limits, ", ")
}

// configText lists the settings that override the agent's in requests to a model.
func configText(p *spec.Policy, r spec.Resolved) string {
	var text strings.Builder
	if c := r.Settings.Config; c != nil {
		v := reflect.ValueOf(c).Elem()
		for i := range v.NumField() {
			key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("key"), ",")
			if value := reflect.Indirect(v.Field(i)); key != "" && key != "system" && value.IsValid() && (v.Field(i).Kind() == reflect.Pointer || !value.IsZero()) {
				format := ", %s %v"
				if value.Kind() == reflect.Slice {
					format = ", %s %q"
				}
				fmt.Fprintf(&text, format, key, value)
			}
		}
		text.WriteString(systemText(c.System))
		for _, key := range c.Unset {
			text.WriteString(", " + key + " removed")
		}
	}
	if tier := r.Settings.Tier; tier != "" {
		text.WriteString(", tier " + tier)
	}
	if most := p.Budgets.MaxOutput(); most > 0 {
		fmt.Fprintf(&text, ", at most %d output tokens", most)
	}
	return text.String()
}

// systemText says how the system instruction is changed, without its text.
func systemText(s *spec.System) string {
	switch {
	case s == nil:
		return ""
	case s.Replace != "":
		return ", system replaced"
	}
	return ", system with a prefix"
}

func flagText(name string, f spec.Flag) string {
	state := "off by default"
	if f.Default {
		state = "on by default"
	}
	if f.Rollout < 1 {
		state += fmt.Sprintf(", for %s of %ss", f.Rollout, f.StickyBy)
	}
	return name + ", " + state
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
		parts = append(parts, Plural(denies, "rule")+" may skip it")
	}
	if redacts > 0 {
		parts = append(parts, Plural(redacts, "rule")+" may redact requests to it")
	}
	return strings.Join(parts, ", ")
}
