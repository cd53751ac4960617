package picture

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// Layer is one layer of the tree of a policy. In print it is one line, with the
// layers within it indented below.
type Layer struct {
	Layer    string   `json:"layer"`              // what it is, such as breaker
	Settings string   `json:"settings,omitempty"` // for people; not a format
	Within   []*Layer `json:"within,omitempty"`   // in the order of the calls
}

// around puts a layer around others.
func around(name, settings string, within ...*Layer) *Layer { return &Layer{name, settings, within} }

func (l *Layer) print(out io.Writer, depth int) error {
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
func (v view) tree() *Layer {
	tree := around("fallback", fallbackText(v.Policy))
	chain := v.Chain()
	for i, t := range chain {
		tree.Within = append(tree.Within, v.target(&t))
		if t.LastResort() || slices.ContainsFunc(chain[i+1:], isModel) {
			continue
		}
		if chain[0].Spared {
			tree.Within = append(tree.Within, around("soft_limit", "turns that started at a fallback try "+v.Primary+" here"))
		}
		if settings := v.overflowText(); settings != "" {
			tree.Within = append(tree.Within, around("overflow", settings))
		}
	}
	if t, ok := v.PreviewTarget(); ok {
		tree = around("preview", previewText(v.Preview, t), tree)
	}
	if names := v.standbys(); names != "" {
		tree = around("warm_standby", fmt.Sprintf("%s, a small request after %s without a call", names, Short(v.WarmStandby.Interval)), tree)
	}
	if settings := cacheText(v.Policy); settings != "" {
		tree = around("cache", settings, tree)
	}
	if t := v.Timeouts; t != nil && t.Total > 0 {
		tree = around("timeout", "total "+Short(t.Total), tree)
	}
	if b := v.Budgets; b != nil && b.MaxInputTokens > 0 {
		tree = around("budget", fmt.Sprintf("at most %d input tokens", b.MaxInputTokens), tree)
	}
	if c := v.Context; c != nil {
		tree = around("context", contextText(c), tree)
	}
	if s := v.State; s != nil {
		tree = around("state", stateText(s), tree)
	}
	if o := v.Observe; o != nil && (o.Metrics || o.Log) {
		tree = around("observe", observeText(o), tree)
	}
	return tree
}

func isModel(t spec.Target) bool { return !t.LastResort() }

// target returns the part of the tree at a place of the chain.
func (v view) target(t *spec.Target) *Layer {
	tree := v.entry(t)
	if t.Hedge != nil {
		tree = around("hedge", hedgeText(v.Hedge), tree, v.entry(t.Hedge))
	}
	return tree
}

// entry returns the part of the tree that an entry of the file becomes.
func (v view) entry(t *spec.Target) *Layer {
	var tree *Layer
	switch {
	case t.LastResort():
		tree = v.flagged(t.Resolved, around(t.Name, lastResortText(v.Policy, t)))
	case t.Cheap != nil:
		tree = v.cascade(t, v.modelOrArms(t))
	default:
		tree = v.modelOrArms(t)
	}
	if t.Name == v.Primary {
		if t.Spared {
			tree = around("soft_limit", softLimitText(v.Budgets.SoftLimit), tree)
		}
		return tree
	}
	return around("when", oneLine(t.Condition.String()), tree)
}

// modelOrArms returns the model of a target, or the arms of its experiment.
func (v view) modelOrArms(t *spec.Target) *Layer {
	if t.Experiment == "" {
		return v.model(t, t.Resolved)
	}
	tree := around("split", splitText(t.Experiment, v.Experiments[t.Experiment]))
	for i, arm := range v.Experiments[t.Experiment].Arms {
		tree.Within = append(tree.Within, around("arm", armText(arm), v.model(t, t.Arms[i])))
	}
	return tree
}

// model returns a model with the layers around it.
func (v view) model(t *spec.Target, r spec.Resolved) *Layer {
	tree := around("model", fmt.Sprintf("%s (%s)%s", r.Name, v.modelOf(r).served(), configText(v.Policy, r)))
	wrap := func(name, settings string) {
		if settings != "" {
			tree = around(name, settings, tree)
		}
	}
	wrap("budget", spendText(v.Budgets))
	wrap("timeout", timeoutText(v.Policy, t))
	wrap("limit", limitText(limitsOf(v.Policy, r), v.Priority))
	wrap("breaker", breakerText(v.CircuitBreaker))
	if !t.Grades {
		wrap("validate", validateText(v.Validate))
	}
	wrap("retry", retryText(v.Retry))
	wrap("context_window", Plural(v.known.ContextWindow(r), "token"))
	if r.Settings.Tools != nil {
		wrap("tools", cmp.Or(strings.Join(r.Settings.Tools, ", "), "none"))
	}
	if r.Settings.Capabilities != nil {
		wrap("capability", cmp.Or(strings.Join(r.Settings.Capabilities, ", "), "text only"))
	}
	tree = v.flagged(r, tree)
	wrap("compliance", complianceText(v.Compliance, r))
	return tree
}

// flagged puts the flags that name a target around it.
func (v view) flagged(r spec.Resolved, tree *Layer) *Layer {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(v.Flags))) {
		if slices.ContainsFunc(v.Flags[name].Targets, r.Matches) {
			tree = around("flag", flagText(name, v.Flags[name]), tree)
		}
	}
	return tree
}

// limitsOf returns the rate limits of a model, nil for none.
func limitsOf(p *spec.Policy, r spec.Resolved) *spec.RateLimits {
	if r.Settings.RateLimits != nil {
		return r.Settings.RateLimits
	}
	return p.RateLimits
}

// oneLine returns a text of the file for a terminal: on one line, without characters that
// a terminal obeys.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
