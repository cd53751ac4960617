package policy

import (
	"maps"
	"slices"
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
	Resolved
	path      string // of the name in the file
	place     string // of the entry that it belongs to; "" for the primary
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
		all = append(all, target{Resolved: p.Resolve(p.Primary), path: "primary", silence: limits.Primary})
	}
	for i, e := range p.Fallbacks {
		if e.Name == "" {
			continue
		}
		t := target{Resolved: p.Resolve(e.Name), place: index("fallbacks", i), condition: e.Condition, silence: limits.Fallback}
		t.path = join(t.place, "name")
		if e.Timeout > 0 {
			t.silence = e.Timeout
		}
		all = append(all, t)
	}
	return all
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
