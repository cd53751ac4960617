package spec

import (
	"strings"

	"github.com/adk-fallback/adk-fallback/internal/phrase"
	"github.com/adk-fallback/adk-fallback/internal/redact"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
)

// degrade finds answers of last resort that lack what they need, and settings of those
// that are not used.
func (c *checker) degrade() {
	for _, name := range []string{RetrievalAnswer, DeferredAnswer} {
		if c.has(name) {
			c.needs(c.pathOf(name), name)
		}
	}
	d := c.Degrade
	if d == nil {
		return
	}
	for _, section := range []struct {
		key, of string
		given   bool
	}{
		{"template", TemplateResponse, c.given("degrade.template")}, {"retrieval", RetrievalAnswer, d.Retrieval != nil}, {"deferred", DeferredAnswer, d.Deferred != nil},
	} {
		if section.given && !c.has(section.of) && !c.sentTo(section.of) {
			c.warn(at("degrade", section.key), section.key+" is not used; add "+section.of+" to the fallbacks")
		}
	}
	c.phrase("degrade.template", d.Template)
	if d.Deferred != nil {
		c.phrase("degrade.deferred.message", d.Deferred.Message)
	}
}

// needs reports what the application lacks for the last resort name at path.
func (c *checker) needs(path, name string) {
	switch {
	case name == RetrievalAnswer && c.known.Retrieval != nil && !c.known.Retrieval():
		c.err(path, RetrievalAnswer+" needs passages; add policy.WithRetrieval")
	case name == DeferredAnswer && c.known.Deferred != nil && !c.known.Deferred():
		c.err(path, DeferredAnswer+" needs a queue; add policy.WithDeferred")
	}
}

// phrase finds mistakes in a text with fields.
func (c *checker) phrase(path, text string) {
	if text == "" {
		return
	}
	if _, err := phrase.Parse(text); err != nil {
		c.err(path, redact.Text(err.Error(), 2*strictyaml.MaxMessage))
	}
}

// sentTo reports whether the cascade sends calls to the last resort name.
func (c *checker) sentTo(name string) bool {
	return c.Cascade != nil && c.Cascade.Degrade != nil && c.canonical(c.Cascade.Degrade.To) == name
}

// didYouMeanLastResort is didYouMean with the last resorts among the candidates. The first
// word of one is enough.
func didYouMeanLastResort(word string, candidates ...string) string {
	for _, name := range lastResorts {
		if first, _, _ := strings.Cut(name, "-"); strings.EqualFold(word, first) {
			return " (did you mean " + name + "?)"
		}
	}
	return didYouMean(word, append(candidates, lastResorts...))
}
