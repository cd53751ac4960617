package spec

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The answers of last resort, which a file names like models.
const (
	CachedAnswer     = "cached-answer"     // the latest answer to an equal request, if there is one
	TemplateResponse = "template-response" // the text of degrade.template
)

// IsLastResort reports whether a name without aliases is an answer of last resort.
func IsLastResort(name string) bool { return name == CachedAnswer || name == TemplateResponse }

// Target is a place in the chain of a policy, and who answers there: a model,
// the arms of an experiment with it, or an answer of last resort.
type Target struct {
	Resolved
	// Condition says when a call moves on to it. The primary has none.
	Condition Condition
	// Silence is how long an attempt may be without content, and Streamed how
	// long one that is streamed; 0 for no limit.
	Silence, Streamed time.Duration
	// Experiment is the id of the experiment whose arms answer here; "" for none.
	Experiment string
	// Arms are the models of its arms, in order. The first is the target's own.
	Arms []Resolved
	// Spared says that budgets.soft_limit can keep calls from it, which the primary
	// alone may be. They come back to it behind the last model of the chain.
	Spared bool
	// Hedge is who is asked beside it while it is slow, and then has no place of
	// its own; nil for nobody.
	Hedge *Target

	// Path is where its name stands in the file, such as fallbacks[0].name.
	Path string

	entry string // the path of the entry that it belongs to; "" for the primary
}

// LastResort reports whether the target is an answer of last resort.
func (t *Target) LastResort() bool { return IsLastResort(t.Model) }

// Models returns the models that may answer at the target, but for who is asked
// beside it: its own, or all arms of an experiment; none for an answer of last
// resort.
func (t *Target) Models() []Resolved {
	switch {
	case t.LastResort():
		return nil
	case t.Experiment != "":
		return t.Arms
	}
	return []Resolved{t.Resolved}
}

// Chain returns the targets in the order in which a call goes through them, the
// primary first: what is built from the policy, and what docs/policy.md says of
// timeouts, experiments and hedges. The policy must be one that Check finds no
// error in.
func (p *Policy) Chain() []Target {
	chain := p.Targets()
	if p.Hedge == nil {
		return chain
	}
	for i, t := range chain {
		if i > 0 && !t.LastResort() && (p.Hedge.Target == "" || p.Hedge.Target == t.Name) {
			chain = slices.Delete(chain, i, i+1)
			chain[0].Hedge = &t
			break
		}
	}
	return chain
}

// Targets returns what the file lists, the primary first, without what has no
// name.
func (p *Policy) Targets() []Target {
	var limits Timeouts
	if p.Timeouts != nil {
		limits = *p.Timeouts
	}
	var all []Target
	if p.Primary != "" {
		all = append(all, p.target(Entry{Name: p.Primary}, limits.Primary, ""))
	}
	for i, e := range p.Fallbacks {
		if e.Name != "" {
			all = append(all, p.target(e, limits.Fallback, at("fallbacks", i)))
		}
	}
	if p.Primary != "" && p.Budgets.Spending() && p.Budgets.SoftLimit != nil {
		all[0].Spared = takesOver(all[1:])
	}
	return all
}

// takesOver reports whether one of the fallbacks gets the calls that the primary
// is spared: a model that no template stands before.
func takesOver(fallbacks []Target) bool {
	for _, t := range fallbacks {
		if t.Model == TemplateResponse {
			return false
		}
		if !t.LastResort() {
			return true
		}
	}
	return false
}

func (p *Policy) target(e Entry, silence time.Duration, entry string) Target {
	t := Target{Resolved: p.Resolve(e.Name), Silence: silence, Streamed: silence, Path: "primary", entry: entry}
	if entry != "" {
		t.Path, t.Condition = at(entry, "name"), e.Condition.orDefault()
	}
	switch {
	case e.Timeout > 0:
		t.Silence, t.Streamed = e.Timeout, e.Timeout
	case p.Stream != nil && p.Stream.FirstContent > 0:
		t.Streamed = p.Stream.FirstContent
	}
	if !t.LastResort() {
		t.Experiment, t.Arms = p.arms(t.Resolved)
	}
	return t
}

// arms returns the experiment that takes the place of a model, and who answers
// in it.
func (p *Policy) arms(r Resolved) (id string, arms []Resolved) {
	for _, id := range slices.Sorted(maps.Keys(p.Experiments)) {
		e := p.Experiments[id]
		if p.canonical(cmp.Or(e.Target, p.Primary)) != r.Model {
			continue
		}
		for _, arm := range e.Arms {
			arms = append(arms, p.Resolve(arm.Model))
		}
		if len(arms) > 0 {
			arms[0] = r
		}
		return id, arms
	}
	return "", nil
}

// ForLater returns the paths of what the policy has and this version can only
// check. A model is not built from such a policy.
func (p *Policy) ForLater() []string {
	var paths []string
	for _, section := range []struct {
		path  string
		given bool
	}{
		{"alerts", len(p.Alerts) > 0},
		{"cascade", p.Cascade != nil},
		{"degrade.deferred", p.Degrade != nil && p.Degrade.Deferred != nil},
		{"state", p.State != nil},
	} {
		if section.given {
			paths = append(paths, section.path)
		}
	}
	return paths
}
