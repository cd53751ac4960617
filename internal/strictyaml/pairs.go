package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// pair is a key and its value in a mapping.
type pair struct{ key, value *yaml.Node }

// pairs returns the pairs of a mapping, and after them those that merge keys (<<) add. Its
// own pairs take precedence: https://yaml.org/type/merge.html
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	var own []pair
	var merged []*yaml.Node
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && d.count(n.Content[i], path); i += 2 {
		key, value := resolved(n.Content[i]), n.Content[i+1]
		at := Place{key.Line, key.Column}
		first, again := seen[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
			d.problem(at, path, "a key must be text, not "+describe(key))
		case again:
			d.problem(at, path, fmt.Sprintf("duplicate key %s, first on line %d", Quoted(key.Value), first.Line))
		case key.Tag == "!!merge":
			seen[key.Value] = key
			merged = append(merged, value)
		default:
			seen[key.Value] = key
			own = append(own, pair{key, value})
		}
	}
	for _, value := range merged {
		own = d.merge(own, seen, value, path)
	}
	return own
}

// merge adds to own the pairs of value, the value of a merge key, whose keys are not in seen.
func (d *decoder) merge(own []pair, seen map[string]*yaml.Node, value *yaml.Node, path string) []pair {
	if !d.count(value, path) {
		return own
	}
	value = resolved(value)
	if d.merging[value] {
		d.problem(Place{value.Line, value.Column}, path, "mapping merges itself through <<; merge another mapping")
		return own
	}
	d.merging[value] = true
	defer delete(d.merging, value)
	switch value.Kind {
	case yaml.SequenceNode:
		for _, item := range value.Content {
			own = d.merge(own, seen, item, path)
		}
	case yaml.MappingNode:
		for _, p := range d.pairs(value, path) {
			if seen[p.key.Value] == nil {
				seen[p.key.Value] = p.key
				own = append(own, p)
			}
		}
	default:
		d.problem(Place{value.Line, value.Column}, path, "<< must have an alias of a mapping, or a list of them, not "+describe(value))
	}
	return own
}

// resolved returns the node that an alias refers to, or n itself.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
