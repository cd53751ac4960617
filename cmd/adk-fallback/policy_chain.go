package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/adk-fallback/adk-fallback/internal/condition"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// place is a place in the chain of a policy, as package policy builds it: a
// model, several in an experiment, two in a hedge, or an answer of last resort.
type place struct {
	name string
	when string // the condition of the entry; "" for the primary

	models     []served // who may answer, one of them in a call
	experiment string   // whose arms the models are; "" for none
	hedge      []*place // the primary and who is asked beside it; then there are no models

	silence  time.Duration // how long an attempt may be without content; 0 for no limit
	streamed time.Duration // the same for one that is streamed
}

func (p *place) lastResort() bool { return len(p.models) == 0 && len(p.hedge) == 0 }

// chainOf returns the places of a checked policy in order, the primary's first.
func chainOf(p *policy.Policy) []*place {
	var limits policy.Timeouts
	if p.Timeouts != nil {
		limits = *p.Timeouts
	}
	var firstContent time.Duration
	if p.Stream != nil {
		firstContent = p.Stream.FirstContent
	}
	add := func(chain []*place, e policy.Entry, silence time.Duration) []*place {
		x := &place{name: e.Name, silence: silence, streamed: silence}
		if len(chain) > 0 {
			x.when = e.Condition.String()
		}
		if e.Timeout > 0 {
			x.silence, x.streamed = e.Timeout, e.Timeout
		} else if firstContent > 0 {
			x.streamed = firstContent
		}
		if name := p.Resolve(e.Name).Model; name != policy.CachedAnswer && name != policy.TemplateResponse {
			x.models, x.experiment = modelsAt(p, e.Name)
		}
		return append(chain, x)
	}
	chain := add(nil, policy.Entry{Name: p.Primary}, limits.Primary)
	for _, e := range p.Fallbacks {
		chain = add(chain, e, limits.Fallback)
	}
	return hedged(p.Hedge, chain)
}

// modelsAt returns the models that answer at the place of a target.
func modelsAt(p *policy.Policy, name string) ([]served, string) {
	for _, id := range slices.Sorted(maps.Keys(p.Experiments)) {
		e := p.Experiments[id]
		target := e.Target
		if target == "" {
			target = p.Primary
		}
		if p.Resolve(target).Model != p.Resolve(name).Model {
			continue
		}
		var arms []served
		for _, arm := range e.Arms {
			arms = append(arms, serve(p, arm.Model))
		}
		return arms, id
	}
	return []served{serve(p, name)}, ""
}

// hedged puts the primary and who is asked beside it into one place.
func hedged(h *policy.Hedge, chain []*place) []*place {
	if h == nil {
		return chain
	}
	i := slices.IndexFunc(chain, func(x *place) bool {
		return x != chain[0] && !x.lastResort() && (h.Target == "" || h.Target == x.name)
	})
	if i < 0 {
		return chain
	}
	both := &place{name: chain[0].name, hedge: []*place{chain[0], chain[i]}}
	return slices.Concat([]*place{both}, chain[1:i], chain[i+1:])
}

// gaveUp returns after how long of silence a condition is true whoever asks and
// whatever the request costs; ok is false if there is no such time.
//
// A condition is a || b || …, and is true as soon as one of these is. Those that
// speak of the caller or of the price are not counted on.
func gaveUp(when string) (after time.Duration, ok bool) {
	for _, part := range alternatives(when) {
		c, err := condition.Compile(part)
		if err != nil || !silent(c) {
			continue
		}
		for _, moment := range c.Latencies() {
			// latency > 3s is asked just after three seconds.
			if yes, _ := c.Eval(&condition.Vars{Latency: moment + 1, Attempt: 1}); yes && (!ok || moment < after) {
				after, ok = moment, true
			}
		}
	}
	return after, ok
}

// silent reports whether all that a condition speaks of is known while an
// attempt is silent.
func silent(c *condition.Condition) bool {
	for _, name := range condition.Names() {
		switch name.Name {
		case "latency", "ttft", "error", "error_code", "error_kind":
			continue
		}
		if c.Uses(name.Name) {
			return false
		}
	}
	return true
}

// judges reports whether a condition can give up an answer, which is then held
// back until it is whole.
func judges(when string) bool {
	return mentions(when, "confidence", "empty", "finish_reason")
}

// mentions reports whether a condition has one of names.
func mentions(when string, names ...string) bool {
	c, err := condition.Compile(when)
	return err == nil && slices.ContainsFunc(names, c.Uses)
}

// alternatives splits a condition at the || that no bracket or quote is around.
// What has a ?:, which reaches further than ||, is left whole, and so are texts
// and comments in their rarer forms.
func alternatives(when string) []string {
	if strings.ContainsAny(when, "?\\") || strings.Contains(when, `"""`) || strings.Contains(when, "'''") || strings.Contains(when, "//") {
		return []string{when}
	}
	var parts []string
	depth, start := 0, 0
	var quote rune
	for i, r := range when {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		case depth == 0 && i >= start && strings.HasPrefix(when[i:], "||"):
			parts, start = append(parts, when[start:i]), i+2
		}
	}
	return append(parts, when[start:])
}
