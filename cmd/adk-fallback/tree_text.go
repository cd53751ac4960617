package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/duration"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Each function here says in a few words what one layer is set to, "" for a layer
// that is not there.

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
	text := "in order; an answer that is cut off begins again"
	if p.Stream != nil {
		switch p.Stream.MidStream {
		case "resume":
			text = "in order; an answer that is cut off is continued"
		case "fail":
			text = "in order; an answer that is cut off is an error"
		}
	}
	if p.Errors != nil && p.Errors.Codes != nil {
		text += "; moves on after " + words(p.Errors.Codes)
	}
	if p.Errors != nil && p.Errors.ContentPolicy == "fallback" {
		text += "; and after a refusal by content policy"
	}
	return text
}

func cacheText(p *spec.Policy) string {
	if c := p.Cache; c != nil {
		settings := "for " + short(c.TTL)
		if c.StaleWhileRevalidate > 0 {
			settings += ", then stale for " + short(c.StaleWhileRevalidate)
		}
		settings += fmt.Sprintf(", up to %s, shared by a %s", c.MaxBytes, c.Scope)
		if id := p.Chain()[0].Experiment; id != "" {
			settings += ", for each arm of " + id
		}
		return settings
	}
	for _, e := range p.Fallbacks {
		if p.Resolve(e.Name).Model == spec.CachedAnswer || e.Condition.Uses("cache_hit") {
			return "for cached-answer and cache_hit alone"
		}
	}
	return ""
}

func softLimitText(soft *spec.SoftLimit) string {
	return fmt.Sprintf("from %s of a day's budget on, %s of calls start here", soft.At, soft.PrimaryShare)
}

func lastResortText(p *spec.Policy, t *spec.Target) string {
	degrade := spec.Degrade{}
	if p.Degrade != nil {
		degrade = *p.Degrade
	}
	var text string
	if t.Model == spec.TemplateResponse {
		first, _, _ := strings.Cut(cmp.Or(degrade.Template, defaultOf("degrade", "template")), "\n")
		text = strconv.Quote(first)
	} else if text = "up to " + defaultOf("degrade", "cached_max_age") + " old"; degrade.CachedMaxAge > 0 {
		text = "up to " + short(degrade.CachedMaxAge) + " old"
	}
	switch {
	case spendText(p.Budgets) == "":
	case p.Budgets.Exhausted == "degrade":
		text += ", also when a budget is used up"
	default:
		text += ", but not when a budget is used up"
	}
	return text
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
	when := "after the 95th percentile of its times to first content, at least " + short(h.MinDelay)
	if h.Delay > 0 {
		when = "after " + short(h.Delay)
	}
	return fmt.Sprintf("%s without content, for %s of calls", when, h.MaxExtraLoad)
}

func splitText(id string, e spec.Experiment) string {
	text := fmt.Sprintf("%s, by %s", id, e.StickyBy)
	if e.MaxDrift > 0 {
		text += fmt.Sprintf(", back to the control when an arm fails more often by %s", e.MaxDrift)
	}
	return text
}

func armText(a spec.Arm) string { return cmp.Or(a.Cohort, a.Model) + " " + a.Share.String() }

// short writes a duration as a person would: 1m, not 1m0s.
func short(d time.Duration) string { return duration.Text(d.Round(time.Microsecond)) }

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
