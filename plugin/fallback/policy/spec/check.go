package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/match"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// Known is what [Check] knows of the application. The zero value knows nothing.
type Known struct {
	// Model reports whether the application supplies a model of that name. Such a model
	// overrides the provider and credential of the file. A name that neither the file, a
	// provider nor the application resolves is an error. Nil means that the application
	// is not known: then only a name that looks like a misspelling is a warning.
	Model func(name string) bool
	// Provider reports whether the program has the provider of that name: a built-in one,
	// or one that the application has added, such as anthropic. Nil means unknown.
	Provider func(name string) bool
	// Price reports whether there is a list price for a provider's model id. Nil means
	// unknown: then prices are not checked.
	Price func(id string) bool
	// Window returns the context window of a provider's model id, in tokens. Nil means
	// that only the file's context_window is known.
	Window func(id string) (tokens int, ok bool)
	// Code reports whether a word is a known code of a failure. Nil means that any word
	// may be one.
	Code func(word string) bool
	// Retrieval reports whether the application searches passages for retrieval-answer.
	// Nil means that it is not known.
	Retrieval func() bool
	// Deferred reports whether the application has a queue for deferred-answer. Nil means
	// that it is not known.
	Deferred func() bool
	// Judge reports whether the application has a function for cascade.judge. Nil means
	// that it is not known.
	Judge func() bool
	// Logprobs reports whether a model can return the probabilities of its tokens. Nil
	// means that it is not known.
	Logprobs func(r Resolved) bool
	// Validator reports whether the application has a function of that name among its
	// policy.Validators. Nil means unknown.
	Validator func(name string) bool
	// Approval reports whether the application has a function for gate.approve. Nil means
	// that it is not known.
	Approval func() bool
	// State reports whether the application has a client for section state. Nil means that
	// it is not known.
	State func() bool
}

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

// Problem returns a problem with the value at path. Its place is that of the value, or of
// the nearest section or list around it that the file has.
func (p *Policy) Problem(severity Severity, path, message string) Problem {
	around := path
	at, ok := p.doc.Places[around]
	for !ok && around != "" {
		around = around[:max(strings.LastIndexAny(around, ".["), 0)]
		at, ok = p.doc.Places[around]
	}
	return Problem{Line: at.Line, Column: at.Column, Path: p.Redact(path), Message: p.Redact(message), Severity: severity}
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
	if name == "" || IsLastResort(model) || r.Provider != "" {
		return
	}
	candidates := append(slices.Sorted(maps.Keys(c.Models)), slices.Sorted(maps.Keys(c.Aliases))...)
	hint := didYouMeanLastResort(name, candidates...)
	message := quoted(name) + " is not a known model" + hint + "; add " + at("models", name) + ".provider, or supply the model from the application"
	switch {
	case c.known.Model == nil:
		if hint != "" { // else it is one that the application supplies, as far as anybody can tell
			c.warn(path, message)
		}
	case !c.known.Model(name) && !c.known.Model(model):
		c.err(path, message)
	}
}

// AddProvider returns the advice on how an application adds a provider.
func AddProvider(name string) string {
	return fmt.Sprintf("%s.Provider, of package plugin/fallback/provider/%[1]s, as an option of policy.Load", name)
}
