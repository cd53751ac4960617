package policy

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The answers of last resort, which a file names like models.
const (
	CachedAnswer     = "cached-answer"     // the latest answer to an equal request, if there is one
	TemplateResponse = "template-response" // the text of degrade.template
)

func isLastResort(name string) bool { return name == CachedAnswer || name == TemplateResponse }

// target is one place in the chain of a policy.
type target struct {
	name      string // as the file has it
	model     string // without aliases
	path      string // of the name in the file
	entry     string // of the entry that it belongs to; "" for the primary
	condition Condition
	silence   time.Duration // how long it may be without content; 0 for no limit
}

// targets returns the chain, the primary first, without what has no name.
func (p *Policy) targets() []target {
	var limits Timeouts
	if p.Timeouts != nil {
		limits = *p.Timeouts
	}
	var all []target
	if p.Primary != "" {
		all = append(all, target{name: p.Primary, model: p.canonical(p.Primary), path: "primary", silence: limits.Primary})
	}
	for i, e := range p.Fallbacks {
		if e.Name == "" {
			continue
		}
		t := target{name: e.Name, model: p.canonical(e.Name), entry: index("fallbacks", i), condition: e.Condition, silence: limits.Fallback}
		t.path = join(t.entry, "name")
		if e.Timeout > 0 {
			t.silence = e.Timeout
		}
		all = append(all, t)
	}
	return all
}

// canonical returns the name that an alias stands for, and any other name as it
// is. In a cycle of aliases it stops anywhere.
func (p *Policy) canonical(name string) string {
	for range len(p.Aliases) {
		next, ok := p.Aliases[name]
		if !ok {
			break
		}
		name = next
	}
	return name
}

// model returns the entry of models for a name without aliases, and its key: the
// name itself, else the pattern that says the most about it.
func (p *Policy) model(name string) (key string, m Model, ok bool) {
	if m, ok := p.Models[name]; ok {
		return name, m, true
	}
	for _, pattern := range slices.Sorted(maps.Keys(p.Models)) {
		if wildcard(pattern, name) && specific(pattern) > specific(key) {
			key, m, ok = pattern, p.Models[pattern], true
		}
	}
	return key, m, ok
}

// specific returns how much a pattern says: more for each byte that is not *.
func specific(pattern string) int {
	if pattern == "" {
		return -1
	}
	return len(pattern) - strings.Count(pattern, "*")
}

// provider returns who serves a model, by its name without aliases; "" if the
// application must.
func (p *Policy) provider(name string) string {
	if _, m, _ := p.model(name); m.Provider != "" {
		return m.Provider
	}
	switch {
	case strings.HasPrefix(name, "gemini-"):
		return "gemini"
	case strings.HasPrefix(name, "gpt-"):
		return "openai"
	}
	return ""
}

// later are the providers whose adapters come with a later version.
var later = []string{"openai_chat", "anthropic"}

// Deferred returns the paths of what the policy has and this version can only
// check. A model is not built from such a policy.
func (p *Policy) Deferred() []string {
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
	for _, name := range slices.Sorted(maps.Keys(p.Models)) {
		if slices.Contains(later, p.Models[name].Provider) {
			paths = append(paths, join(join("models", name), "provider"))
		}
	}
	return paths
}
