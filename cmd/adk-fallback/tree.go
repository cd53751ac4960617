package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// layer is a layer of the tree that a policy is built to: a line of text, what
// is within indented below it.
type layer struct {
	Layer    string   `json:"layer"`              // what it is, such as breaker
	Settings string   `json:"settings,omitempty"` // for people; not a format
	Within   []*layer `json:"within,omitempty"`   // in the order in which they are asked
}

// around puts a layer around others.
func around(name, settings string, within ...*layer) *layer { return &layer{name, settings, within} }

func (l *layer) print(out io.Writer, depth int) error {
	line := strings.Repeat("  ", depth) + l.Layer
	if l.Settings != "" {
		line += " " + l.Settings
	}
	if _, err := fmt.Fprintln(out, line); err != nil {
		return err
	}
	for _, inner := range l.Within {
		if err := inner.print(out, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// treeOf returns the tree of a policy, its outermost layer first.
func treeOf(p *policy.Policy) *layer {
	mode := "in order; an answer that is cut off begins again"
	if p.Stream != nil {
		switch p.Stream.MidStream {
		case "resume":
			mode = "in order; an answer that is cut off is continued"
		case "fail":
			mode = "in order; an answer that is cut off is an error"
		}
	}
	if p.Errors != nil && p.Errors.Codes != nil {
		mode += "; moves on after " + words(p.Errors.Codes)
	}
	if p.Errors != nil && p.Errors.ContentPolicy == "fallback" {
		mode += "; and after a refusal by content policy"
	}
	tree := around("fallback", mode)
	for _, x := range chainOf(p) {
		tree.Within = append(tree.Within, treeAt(p, x))
	}
	if settings := cacheText(p); settings != "" {
		tree = around("cache", settings, tree)
	}
	if t := p.Timeouts; t != nil && t.Total > 0 {
		tree = around("timeout", "in all "+short(t.Total), tree)
	}
	if b := p.Budgets; b != nil && b.MaxInputTokens > 0 {
		tree = around("budget", fmt.Sprintf("requests of at most %d tokens", b.MaxInputTokens), tree)
	}
	if c := p.Context; c != nil {
		tree = around("context", facts(c), tree)
	}
	return tree
}

// facts names what is read from the session's state.
func facts(c *policy.Context) string {
	var all []string
	for _, fact := range []struct{ name, key string }{
		{"tenant", c.Tenant}, {"priority", c.Priority}, {"data_class", c.DataClass}, {"region", c.Region},
	} {
		if fact.key != "" {
			all = append(all, fact.name+" from "+fact.key)
		}
	}
	for _, label := range slices.Sorted(maps.Keys(c.Labels)) {
		all = append(all, "labels."+label+" from "+c.Labels[label])
	}
	return strings.Join(all, ", ")
}

// treeAt returns the part of the tree at a place.
func treeAt(p *policy.Policy, x *place) *layer {
	var tree *layer
	switch {
	case len(x.hedge) > 0:
		tree = around("hedge", hedgeText(p.Hedge))
		for _, one := range x.hedge {
			tree.Within = append(tree.Within, treeAt(p, one))
		}
	case x.lastResort():
		tree = lastResort(p, x.name)
	case x.experiment != "":
		tree = around("split", splitText(x.experiment, p.Experiments[x.experiment]))
		for i, arm := range p.Experiments[x.experiment].Arms {
			tree.Within = append(tree.Within, around("arm", armText(arm), target(p, x, x.models[i])))
		}
	default:
		tree = target(p, x, x.models[0])
	}
	if x.when == "" {
		return tree
	}
	return around("when", x.when, tree)
}

// target returns a model with the layers around it, in the order in which package
// policy builds them.
func target(p *policy.Policy, x *place, m served) *layer {
	tree := around("model", fmt.Sprintf("%s (%s)", m.Name, m.by()))
	wrap := func(name, settings string) {
		if settings != "" {
			tree = around(name, settings, tree)
		}
	}
	wrap("budget", spendText(p.Budgets))
	wrap("timeout", timeoutText(p, x))
	wrap("limit", limitText(limitsOf(p, m)))
	wrap("breaker", breakerText(p.CircuitBreaker))
	wrap("retry", retryText(p.Retry))
	wrap("context_window", plural(m.resolved.Settings.ContextWindow, "token"))
	if m.resolved.Settings.Capabilities != nil {
		wrap("capability", cmp.Or(strings.Join(m.resolved.Settings.Capabilities, ", "), "text alone"))
	}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(p.Flags))) {
		if slices.ContainsFunc(p.Flags[name].Targets, m.resolved.Matches) {
			wrap("flag", flagText(name, p.Flags[name]))
		}
	}
	wrap("compliance", complianceText(p.Compliance, m))
	return tree
}

// limitsOf returns what a model can take, nil for no limit.
func limitsOf(p *policy.Policy, m served) *policy.RateLimits {
	if m.resolved.Settings.RateLimits != nil {
		return m.resolved.Settings.RateLimits
	}
	return p.RateLimits
}

func lastResort(p *policy.Policy, name string) *layer {
	degrade := policy.Degrade{}
	if p.Degrade != nil {
		degrade = *p.Degrade
	}
	template := p.Resolve(name).Model == policy.TemplateResponse
	switch {
	case template && degrade.Template == "":
		return around(name, "the default text")
	case template:
		first, _, _ := strings.Cut(degrade.Template, "\n")
		return around(name, fmt.Sprintf("%q", first))
	}
	if degrade.CachedMaxAge == 0 {
		degrade.CachedMaxAge = 24 * time.Hour
	}
	return around(name, "up to "+short(degrade.CachedMaxAge)+" old")
}
