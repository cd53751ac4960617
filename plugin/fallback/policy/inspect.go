package policy

import "github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"

// Inspect returns the tree of the policy in use; see package inspect.
func (s *served) Inspect() inspect.Node {
	t := s.live.tree.Load()
	status := *s.live.status.Load()
	n := inspect.Node{Layer: "policy", Name: t.Name(), Policy: &status, State: s.live, Inner: inspect.Each(t)}
	if t.shared != nil {
		n.Inner = append(n.Inner, t.shared.Inspect())
	}
	return n
}

// Inspect returns the tree of the policy.
func (t *tree) Inspect() inspect.Node { return inspect.Of(t.root) }

// Inspect returns the tree of the chain, with the arms of its experiments.
func (ch *chain) Inspect() inspect.Node {
	n := inspect.Of(ch.fallback)
	for n := range n.All() {
		if n.Split == nil {
			continue
		}
		if arms := ch.arms[n.Split.Experiment]; arms != nil {
			n.Inner = inspect.Each(arms...) // the split itself has only their places
		}
	}
	return n
}

// Inspect returns the tree of the answer.
func (r *replacement) Inspect() inspect.Node { return inspect.Of(r.answer) }
