package router

import (
	"time"

	"github.com/adk-fallback/adk-fallback/internal/group"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// Inspect returns the tree of the router.
func (f *fallback) Inspect() inspect.Node { return group.Node("fallback", f) }

// Inspect returns the trees of the model and of its preview.
func (p *progressive) Inspect() inspect.Node {
	n := p.Node("progressive")
	n.Inner = append(n.Inner, inspect.Of(p.preview.Layer))
	return n
}

// Inspect returns the tree and state of the hedge.
func (h *hedge) Inspect() inspect.Node {
	n := group.Node("hedge", h)
	available, most := h.budget.Balance()
	n.Hedge = &inspect.Hedge{Delay: h.delay(true), UnaryDelay: h.delay(false), Available: available, Max: most}
	n.State = h
	return n
}

// Inspect returns the tree and state of the experiment.
func (s *split) Inspect() inspect.Node {
	n := group.Node("split", s)
	n.Split = &inspect.Split{Experiment: s.config.Experiment}
	for i, share := range s.shares() {
		counts := s.arms[i].tally.sum(time.Now())
		n.Split.Arms = append(n.Split.Arms, inspect.Arm{
			Cohort: s.arms[i].cohort, Share: share, RolledBack: s.arms[i].out.Load(),
			Calls: counts.Calls, Errors: counts.Errors, Fallbacks: counts.Fallbacks,
		})
	}
	n.State = s
	return n
}

// Inspect returns the tree of the first front, and those of the others too if they have
// states of their own: most share them, and differ only in the names of the arms.
func (a *ahead) Inspect() inspect.Node {
	fronts := inspect.Node{Layer: "ahead", Name: a.Name(), Inner: inspect.Each(a.fronts...)}
	known := make(map[any]bool)
	for n := range fronts.Inner[0].States() {
		known[n.State] = true
	}
	for n := range fronts.States() {
		if !known[n.State] {
			return fronts
		}
	}
	return fronts.Inner[0]
}

// Inspect returns the tree of the layer.
func (b *behind) Inspect() inspect.Node { return inspect.Of(b.Layer) }
