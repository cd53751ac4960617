package spec

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The answers of last resort. A file uses them like names of models.
const (
	CachedAnswer     = "cached-answer"     // an earlier answer to the same request, if there is one
	RetrievalAnswer  = "retrieval-answer"  // passages that the application finds, with their sources
	DeferredAnswer   = "deferred-answer"   // a short text now, and the answer later
	TemplateResponse = "template-response" // the text of degrade.template
)

// lastResorts are their names.
var lastResorts = []string{CachedAnswer, RetrievalAnswer, DeferredAnswer, TemplateResponse}

// IsLastResort reports whether a name, with aliases resolved, is a last resort.
func IsLastResort(name string) bool { return slices.Contains(lastResorts, name) }

// Target is a place in the chain of a policy: a model, the arms of an experiment with it,
// or a last resort.
type Target struct {
	Resolved
	// Condition says when a call moves on to the target. The primary has none.
	Condition Condition
	// Silence is how long an attempt may be without content, and Streamed how long a
	// streamed one may be; 0 means no limit.
	Silence, Streamed time.Duration
	// Experiment is the id of the experiment whose arms replace the model; "" for none.
	Experiment string
	// Arms are the models of its arms, in order. The first is the target's own model.
	Arms []Resolved
	// Spared says that budgets.soft_limit can make calls start at the first fallback
	// instead. Only the primary can be spared. Such calls may still reach it after the
	// last model of the chain.
	Spared bool
	// Hedge is the target that is called as well while this one is slow; nil for none. It
	// has no other place in the chain.
	Hedge *Target
	// Cheap is the target that is called before this one, and Grader the one that grades
	// its answers (section cascade); nil for none. Only the primary can have them.
	Cheap, Grader *Target
	// Grades says that it grades answers; section validate does not apply to its own.
	Grades bool

	// Path is the place of its name in the file, such as fallbacks[0].name.
	Path string

	entry string // the path of its entry; "" for the primary
}

// LastResort reports whether the target is a last resort.
func (t *Target) LastResort() bool { return IsLastResort(t.Model) }

// Models returns the models of the target, without those of Hedge, Cheap and Grader: its
// own, or all arms of an experiment. A last resort has none.
func (t *Target) Models() []Resolved {
	switch {
	case t.LastResort():
		return nil
	case t.Experiment != "":
		return t.Arms
	}
	return []Resolved{t.Resolved}
}

// Chain returns the targets in the order in which they are tried, the primary first, with
// timeouts, experiments and the hedge applied. A model is built from it. Check must have
// found no error in the policy.
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

// Targets returns the primary and the fallbacks in the order of the file, without those
// that have no name.
func (p *Policy) Targets() []Target {
	var limits Timeouts
	if p.Timeouts != nil {
		limits = *p.Timeouts
	}
	var all []Target
	if p.Primary != "" {
		all = append(all, p.target(Entry{Name: p.Primary}, limits.Primary, ""))
		all[0].Cheap, all[0].Grader = p.cheap(limits.Primary)
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

// UsesCachedAnswers reports whether a fallback, a condition, the cascade or the preview uses
// cached answers. Answers are then kept even without section cache.
func (p *Policy) UsesCachedAnswers() bool {
	if t, ok := p.PreviewTarget(); ok && t.Model == CachedAnswer {
		return true
	}
	if c := p.Cascade; c != nil && c.Degrade != nil && p.canonical(c.Degrade.To) == CachedAnswer {
		return true
	}
	return slices.ContainsFunc(p.Fallbacks, func(e Entry) bool {
		return p.canonical(e.Name) == CachedAnswer || e.Condition.Uses("cache_hit")
	})
}

// takesOver reports whether a fallback takes the calls that the primary is spared: a model
// before any template.
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

// arms returns the experiment with a model as its target, and the models of its arms.
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
