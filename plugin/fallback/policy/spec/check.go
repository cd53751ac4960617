package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/nearest"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Check returns all problems of p in the order of the file: the errors that [Parse]
// reports, those that follow from known, and warnings about valid settings that may not
// have the intended effect. It does not change p.
func Check(p *Policy, known Known) []Problem {
	c := &checker{Policy: p, known: known, chain: p.Targets()}
	if p.chained {
		c.names()
		c.regions()
		return strictyaml.AtMost(strictyaml.InOrder(c.problems))
	}
	c.problems = slices.Clone(p.doc.Problems)
	c.aliases()
	c.duplicates()
	c.names()
	c.unreachable()
	c.times()
	c.prices()
	c.windows()
	c.credentials()
	c.bypassed()
	c.regions()
	c.switches()
	c.codes()
	c.declared()
	c.references()
	c.experiments()
	c.sections()
	c.switching()
	c.state()
	return strictyaml.AtMost(strictyaml.InOrder(c.problems))
}

type checker struct {
	*Policy
	known    Known
	chain    []Target
	problems []Problem
}

func (c *checker) err(path, message string)  { c.add(SeverityError, path, message) }
func (c *checker) warn(path, message string) { c.add(SeverityWarning, path, message) }

func (c *checker) add(severity Severity, path, message string) {
	c.problems = append(c.problems, c.Problem(severity, path, message))
}

// clean reports whether no problem has been found at or below path.
func (c *checker) clean(path string) bool {
	return !slices.ContainsFunc(c.problems, func(p Problem) bool {
		rest, found := strings.CutPrefix(p.Path, path)
		return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// given reports whether the file has a value at path.
func (c *checker) given(path string) bool {
	_, ok := c.doc.Places[path]
	return ok
}

// unique finds names at path that are listed twice.
func (c *checker) unique(path string, names []string) {
	seen := make(map[string]bool)
	for i, name := range names {
		folded := match.Fold(name) // names are compared without case
		if folded != "" && seen[folded] {
			c.err(at(path, i), quoted(name)+" is listed twice")
		}
		seen[folded] = true
	}
}

// aliases finds cycles of aliases, and names with two meanings.
func (c *checker) aliases() {
	followed := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(c.Aliases)) {
		path := at("aliases", name)
		if _, ok := c.Models[name]; ok {
			c.err(path, "alias "+quoted(name)+" is also a key of models; rename one of them")
		}
		if IsLastResort(name) {
			c.err(path, quoted(name)+" is a last resort and cannot be an alias; use another name")
		}
		if cycle := c.cycle(name, followed); cycle != nil {
			c.err(at("aliases", cycle[0]), "aliases form a cycle: "+strings.Join(append(cycle, cycle[0]), " → ")+"; one of them must name a model")
		}
	}
}

// cycle follows the aliases from name on, up to one that was followed before. It returns
// those that form a cycle, nil if none do.
func (c *checker) cycle(name string, followed map[string]bool) []string {
	var chain []string
	for next, ok := c.Aliases[name]; ok && !followed[name]; next, ok = c.Aliases[name] {
		followed[name] = true
		chain = append(chain, name)
		name = next
	}
	if i := slices.Index(chain, name); i >= 0 {
		return chain[i:]
	}
	return nil
}

// duplicates finds targets that are the same model.
func (c *checker) duplicates() {
	first := make(map[string]Target)
	for _, t := range c.chain {
		name := match.Fold(t.Model) // rules do not tell apart what differs in case alone
		if earlier, again := first[name]; again {
			c.err(t.Path, fmt.Sprintf("%s is the same target as %s; list each target once", quoted(t.Name), earlier.Path))
			continue
		}
		first[name] = t
	}
}

// names finds unknown and outdated names of models.
func (c *checker) names() {
	for _, t := range c.chain {
		if t.Path == "primary" && IsLastResort(t.Model) {
			c.err(t.Path, quoted(t.Name)+" is a last resort; the primary must be a model")
		}
		c.name(t.Path, t.Name)
	}
	for _, id := range slices.Sorted(maps.Keys(c.Experiments)) {
		for i, arm := range c.Experiments[id].Arms {
			c.name(at("experiments", id, "arms", i, "model"), arm.Model)
		}
	}
	if c.Cascade != nil {
		c.name("cascade.model", c.Cascade.Model)
		c.name("cascade.grader", c.Cascade.Grader)
	}
	if t, ok := c.PreviewTarget(); ok {
		c.name(t.Path, t.Name)
	}
}

// isPreview reports whether a name is one that providers use before a model's final name.
func isPreview(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "-"), func(part string) bool { return part == "preview" || part == "exp" })
}

func (c *checker) name(path, name string) {
	r := c.Resolve(name)
	model := r.Model
	if model != name && isPreview(name) {
		c.warn(path, quoted(name)+" is an outdated name; use "+model)
	}
	if missing := c.known.Provider; r.Provider != "" && missing != nil && !missing(r.Provider) && !c.known.HandsIn(r) {
		c.err(path, quoted(name)+" needs provider "+r.Provider+", which this program does not have; add "+AddProvider(r.Provider))
	}
	near := c.near(r)
	if r.Provider != "" && near != "" {
		c.warn(path, quoted(name)+" is not a listed model (did you mean "+near+"?); correct it, or set "+at("models", r.ID)+".context_window")
	}
	if name == "" || IsLastResort(model) || r.Provider != "" {
		return
	}
	candidates := append(slices.Sorted(maps.Keys(c.Models)), slices.Sorted(maps.Keys(c.Aliases))...)
	hint := didYouMeanLastResort(name, candidates...)
	if hint == "" {
		if near = cmp.Or(near, withoutVendor(name)); near != "" {
			hint = " (did you mean " + near + "?)"
		}
	}
	message := quoted(name) + " is not a known model" + hint + "; add " + at("models", name) + ".provider, or supply the model from the application"
	switch {
	case c.known.Model == nil:
		if hint != "" { // else it is one that the application supplies, as far as anybody can tell
			c.warn(path, message)
		}
	case !c.known.Model(name) && !c.known.Model(model) && !c.given(at("models", r.Entry, "provider")):
		c.err(path, message)
	}
}

// withoutVendor returns the model of a name such as openai/gpt-5.2 or openai:gpt-5.2, as other
// libraries write it. It returns "" if no provider of that model is known.
func withoutVendor(name string) string {
	if model := name[strings.LastIndexAny(name, "/:")+1:]; model != name && providerOf(model) != "" {
		return model
	}
	return ""
}

// near returns the listed model that the id of r misspells, "" for none. A name is not misspelled if it has an entry
// under models or a base_url, or if the application supplies the model.
func (c *checker) near(r Resolved) string {
	if _, meant := c.Models[r.ID]; meant || c.known.Near == nil || r.Settings.BaseURL != "" || c.known.HandsIn(r) {
		return ""
	}
	return c.known.Near(r.ID)
}

// AddProvider returns the advice on how an application adds a provider.
func AddProvider(name string) string {
	return fmt.Sprintf("%s.Provider, of package plugin/fallback/provider/%[1]s, as an option of policy.Load", name)
}

// Short names for functions of packages strictyaml and nearest.
func at(path string, rest ...any) string { return strictyaml.At(path, rest...) }
func quoted(text string) string          { return strictyaml.Quoted(text) }
func didYouMean(word string, candidates []string) (hint string) {
	return nearest.DidYouMean(word, candidates)
}
