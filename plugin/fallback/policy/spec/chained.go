package spec

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// MaxName is the longest name of a model in a request, in bytes.
const MaxName = 128

// Declares reports whether a request may name a model: it is in the policy's chain, is an alias,
// has an entry under models, or matches a pattern there. Patterns and last resorts are not
// models.
//
// A name that only a pattern matches becomes part of the requests to the provider. It must
// consist of letters, digits and . _ - : / @ +, and must not hold two dots or slashes in a
// row.
func (p *Policy) Declares(name string) bool {
	model := p.canonical(name)
	if name == "" || len(name) > MaxName || strings.Contains(name, "*") || IsLastResort(model) {
		return false
	}
	if p.place(model) != "" {
		return true
	}
	entry, _ := p.entry(model)
	return entry == model || entry != "" && isPlainName(model)
}

// isPlainName reports whether a name can be part of a URL as it is.
func isPlainName(name string) bool {
	const marks = "._-:/@+"
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			continue
		}
		if strings.IndexByte(marks, c) < 0 || i == 0 || c == name[i-1] && (c == '.' || c == '/') {
			return false
		}
	}
	return true
}

// InChain reports whether a name, or the model that it is an alias of, is the primary or one of
// the fallbacks. Last resorts are not models.
func (p *Policy) InChain(name string) bool {
	model := p.canonical(name)
	return name != "" && !IsLastResort(model) && p.place(model) != ""
}

// place returns the chain's name for a model, "" if it is not in the chain.
func (p *Policy) place(model string) string {
	if p.canonical(p.Primary) == model {
		return p.Primary
	}
	for _, e := range p.Fallbacks {
		if p.canonical(e.Name) == model {
			return e.Name
		}
	}
	return ""
}

// WithChain returns a policy like p with other models: the first is the primary, the others
// are the fallbacks, followed by the last resorts of p. Each must be a model that p
// [Policy.Declares]; a second mention of a model is ignored. A fallback that p has keeps its
// condition and timeout.
//
// Sections about models that are not part of the new chain have no effect. So cascade and
// preview are omitted with another primary, hedge without its target, and warm_standby
// always.
func (p *Policy) WithChain(models ...string) *Policy {
	q := *p
	q.chained, q.WarmStandby = true, nil
	q.Primary, q.Fallbacks = models[0], nil
	seen := map[string]bool{p.canonical(models[0]): true}
	for _, name := range models[1:] {
		if model := p.canonical(name); !seen[model] {
			seen[model] = true
			q.Fallbacks = append(q.Fallbacks, p.entryOf(name))
		}
	}
	hedged := len(q.Fallbacks) > 0
	for _, e := range p.Fallbacks {
		if IsLastResort(p.canonical(e.Name)) {
			q.Fallbacks = append(q.Fallbacks, e)
		}
	}
	if p.Hedge != nil && (!hedged || p.Hedge.Target != "" && !slices.ContainsFunc(q.Fallbacks, func(e Entry) bool { return e.Name == p.Hedge.Target })) {
		q.Hedge = nil
	}
	if p.canonical(models[0]) != p.canonical(p.Primary) {
		q.Cascade, q.Preview = nil, nil
	}
	q.Experiments = maps.Clone(p.Experiments)
	for id, e := range q.Experiments {
		e.Target = cmp.Or(e.Target, p.Primary) // the default would be the new primary
		q.Experiments[id] = e
	}
	return &q
}

// entryOf returns the entry of a model among the fallbacks, or a new one.
func (p *Policy) entryOf(name string) Entry {
	for _, e := range p.Fallbacks {
		if p.canonical(e.Name) == p.canonical(name) {
			return e
		}
	}
	return Entry{Name: name}
}

// Sets reports whether the policy's file has a value at path, such as stream.mid_stream. It
// returns true for every path of a policy that was not read from a file.
func (p *Policy) Sets(path string) bool {
	_, ok := p.doc.Places[path]
	return ok || p.doc.Places == nil
}
