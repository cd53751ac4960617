package picture

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Each function here describes the settings of one layer in a few words, "" for a
// layer that the policy does not have.

// stateText describes where state is shared, without the server: its URL may be private.
func stateText(s *spec.State) string {
	text := "shared by the replicas with prefix " + s.Prefix
	if s.URLEnv != "" {
		text += ", server in " + s.URLEnv
	}
	if s.Unavailable == "deny" {
		return text + "; without it, budgets refuse"
	}
	return text + "; without it, each goes on with its share"
}

func observeText(o *spec.Observe) string {
	var parts []string
	if o.Metrics {
		tenants := "without tenants"
		if o.Tenants > 0 {
			tenants = "of at most " + Plural(o.Tenants, "tenant")
		}
		parts = append(parts, "metrics "+tenants)
	}
	if o.Log {
		parts = append(parts, "a log line per call that was no plain success")
	}
	return strings.Join(parts, ", ")
}

func contextText(c *spec.Context) string {
	var facts []string
	for _, fact := range []struct{ name, key string }{
		{"tenant", c.Tenant}, {"priority", c.Priority}, {"data_class", c.DataClass}, {"region", c.Region},
	} {
		if fact.key != "" {
			facts = append(facts, fact.name+" from "+fact.key)
		}
	}
	for _, label := range slices.Sorted(maps.Keys(c.Labels)) {
		facts = append(facts, "labels."+label+" from "+c.Labels[label])
	}
	return strings.Join(facts, ", ")
}

func fallbackText(p *spec.Policy) string {
	text := "in order; an answer that is cut off "
	midStream := "restart"
	if p.Stream != nil {
		midStream = p.Stream.MidStream
	}
	switch midStream {
	case "resume":
		text += "is continued"
	case "fail":
		text += "is an error"
	default:
		text += "restarts"
	}
	if p.Errors != nil && p.Errors.Codes != nil {
		text += "; falls back after " + words(p.Errors.Codes)
	}
	if p.Errors != nil && p.Errors.ContentPolicy == "fallback" {
		text += "; also after a refusal by content policy"
	}
	return text + switchText(p)
}

func cacheText(p *spec.Policy) string {
	if c := p.Cache; c != nil {
		settings := "for " + Short(c.TTL)
		if c.StaleWhileRevalidate > 0 {
			settings += ", then stale for " + Short(c.StaleWhileRevalidate)
		}
		settings += fmt.Sprintf(", up to %s, shared within a %s", c.MaxBytes, c.Scope)
		if id := p.Chain()[0].Experiment; id != "" {
			settings += ", separate for each arm of " + id
		}
		return settings
	}
	if p.UsesCachedAnswers() {
		return "only for cached-answer and cache_hit"
	}
	return ""
}

func softLimitText(soft *spec.SoftLimit) string {
	return fmt.Sprintf("from %s of the daily budget on, %s of turns start here", soft.At, soft.PrimaryShare)
}

func lastResortText(p *spec.Policy, t *spec.Target) string {
	degrade := spec.Degrade{}
	if p.Degrade != nil {
		degrade = *p.Degrade
	}
	var text string
	switch {
	case t.Model == spec.RetrievalAnswer:
		r := spec.Default[spec.Retrieval]()
		if degrade.Retrieval != nil {
			r = degrade.Retrieval
		}
		text = fmt.Sprintf("up to %s, found within %s", Plural(r.MaxPassages, "passage"), Short(r.Timeout))
	case t.Model == spec.DeferredAnswer:
		d := spec.Default[spec.Deferred]()
		if degrade.Deferred != nil {
			d = degrade.Deferred
		}
		text = fmt.Sprintf("%q, and the answer within %s", firstLine(d.Message), Short(d.MaxAge))
	case t.Model == spec.TemplateResponse:
		text = strconv.Quote(firstLine(cmp.Or(degrade.Template, defaultOf("degrade", "template"))))
	case degrade.CachedMaxAge > 0:
		text = "up to " + Short(degrade.CachedMaxAge) + " old"
	default:
		text = "up to " + defaultOf("degrade", "cached_max_age") + " old"
	}
	switch {
	case spendText(p.Budgets) == "":
	case p.Budgets.Exhausted == "degrade":
		text += ", also when a budget is exhausted"
	default:
		text += ", but not when a budget is exhausted"
	}
	return text
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// defaultOf returns the default of a key in a section, which has a text.
func defaultOf(section, key string) string {
	var text string
	if err := json.Unmarshal(spec.Schema().Properties[section].Properties[key].Default, &text); err != nil {
		return ""
	}
	return text
}

func hedgeText(h *spec.Hedge) string {
	when := "after the 95th percentile of the first one's times to first content, at least " + Short(h.MinDelay)
	if h.Delay > 0 {
		when = "after " + Short(h.Delay) + " without content"
	}
	return fmt.Sprintf("%s, for up to %s of calls", when, h.MaxExtraLoad)
}

func splitText(id string, e spec.Experiment) string {
	text := fmt.Sprintf("%s, sticky by %s", id, e.StickyBy)
	if e.MaxDrift > 0 {
		text += fmt.Sprintf(", rolled back if an arm's share of failures exceeds the control's by %s", e.MaxDrift)
	}
	if a := e.Adaptive; a != nil {
		text += fmt.Sprintf(", the control's share falls to %s of it at most every %s while its calls fail or are slow, and grows by %s", a.Decrease, Short(a.Step), a.Increase)
	}
	return text
}

func armText(a spec.Arm) string { return cmp.Or(a.Cohort, a.Model) + " " + a.Share.String() }
