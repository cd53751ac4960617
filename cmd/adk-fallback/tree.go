package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
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

// tree returns the tree of a policy, its outermost layer first, as package policy
// builds it.
func (p checked) tree() *layer {
	tree := around("fallback", fallbackText(p.Policy))
	chain := p.Chain()
	for i, t := range chain {
		tree.Within = append(tree.Within, p.target(&t))
		if chain[0].Spared && !t.LastResort() && !slices.ContainsFunc(chain[i+1:], isModel) {
			tree.Within = append(tree.Within, around("soft_limit", "calls that it kept from "+p.Primary+" come back to it here"))
		}
	}
	if settings := cacheText(p.Policy); settings != "" {
		tree = around("cache", settings, tree)
	}
	if t := p.Timeouts; t != nil && t.Total > 0 {
		tree = around("timeout", "in all "+short(t.Total), tree)
	}
	if b := p.Budgets; b != nil && b.MaxInputTokens > 0 {
		tree = around("budget", fmt.Sprintf("requests of at most %d tokens", b.MaxInputTokens), tree)
	}
	if c := p.Context; c != nil {
		tree = around("context", contextText(c), tree)
	}
	return tree
}

func isModel(t spec.Target) bool { return !t.LastResort() }

// target returns the part of the tree at a place of the chain.
func (p checked) target(t *spec.Target) *layer {
	tree := p.entry(t)
	if t.Hedge != nil {
		tree = around("hedge", hedgeText(p.Hedge), tree, p.entry(t.Hedge))
	}
	return tree
}

// entry returns the part of the tree that an entry of the file becomes.
func (p checked) entry(t *spec.Target) *layer {
	var tree *layer
	switch {
	case t.LastResort():
		tree = p.flagged(t.Resolved, around(t.Name, lastResortText(p.Policy, t)))
	case t.Experiment != "":
		tree = around("split", splitText(t.Experiment, p.Experiments[t.Experiment]))
		for i, arm := range p.Experiments[t.Experiment].Arms {
			tree.Within = append(tree.Within, around("arm", armText(arm), p.model(t, t.Arms[i])))
		}
	default:
		tree = p.model(t, t.Resolved)
	}
	if t.Name == p.Primary {
		if t.Spared {
			tree = around("soft_limit", softLimitText(p.Budgets.SoftLimit), tree)
		}
		return tree
	}
	return around("when", t.Condition.String(), tree)
}

// model returns a model with the layers around it.
func (p checked) model(t *spec.Target, r spec.Resolved) *layer {
	tree := around("model", fmt.Sprintf("%s (%s)%s", r.Name, p.served(r).by(), configText(p.Policy, r)))
	wrap := func(name, settings string) {
		if settings != "" {
			tree = around(name, settings, tree)
		}
	}
	wrap("budget", spendText(p.Budgets))
	wrap("timeout", timeoutText(p.Policy, t))
	wrap("limit", limitText(limitsOf(p.Policy, r), p.Priority))
	wrap("breaker", breakerText(p.CircuitBreaker))
	wrap("validate", validateText(p.Validate))
	wrap("retry", retryText(p.Retry))
	wrap("context_window", plural(r.Settings.ContextWindow, "token"))
	if r.Settings.Capabilities != nil {
		wrap("capability", cmp.Or(strings.Join(r.Settings.Capabilities, ", "), "text alone"))
	}
	tree = p.flagged(r, tree)
	wrap("compliance", complianceText(p.Compliance, r))
	return tree
}

// flagged puts the flags that name a target around it.
func (p checked) flagged(r spec.Resolved, tree *layer) *layer {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(p.Flags))) {
		if slices.ContainsFunc(p.Flags[name].Targets, r.Matches) {
			tree = around("flag", flagText(name, p.Flags[name]), tree)
		}
	}
	return tree
}

// limitsOf returns what a model can take, nil for no limit.
func limitsOf(p *spec.Policy, r spec.Resolved) *spec.RateLimits {
	if r.Settings.RateLimits != nil {
		return r.Settings.RateLimits
	}
	return p.RateLimits
}
