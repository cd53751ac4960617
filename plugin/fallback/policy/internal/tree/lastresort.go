package tree

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/stream"
	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/app"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/stack"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// degrade returns the section degrade, or its defaults.
func (b *builder) degrade() *spec.Degrade {
	if b.policy.Degrade != nil {
		return b.policy.Degrade
	}
	return spec.Default[spec.Degrade]()
}

// retrieval returns the last resort that quotes the application's passages.
func (b *builder) retrieval(r *spec.Retrieval) (model.LLM, error) {
	if r == nil {
		r = spec.Default[spec.Retrieval]()
	}
	config := b.app.Retrieval
	config.Name, config.Intro, config.Timeout = spec.RetrievalAnswer, r.Intro, r.Timeout
	config.MaxPassages, config.MaxPassageBytes = r.MaxPassages, int(r.MaxPassageBytes)
	return degrade.NewRetrieval(config)
}

// lastResort returns a last resort behind its flags, or nil if a problem was reported.
func (b *builder) lastResort(t spec.Target) stream.Layer {
	section := b.degrade()
	var m model.LLM
	var err error
	switch t.Model {
	case spec.CachedAnswer:
		m, err = degrade.NewCachedAnswer(degrade.CachedAnswerConfig{Cache: b.kept.cache, Prefix: section.CachedNotice})
	case spec.RetrievalAnswer:
		m, err = b.retrieval(section.Retrieval)
	case spec.DeferredAnswer:
		m, err = b.deferred(section.Deferred)
	default:
		m, err = degrade.NewTemplate(degrade.TemplateConfig{Text: section.Template})
	}
	if err != nil {
		b.err(t.Path, strictyaml.Quoted(t.Name)+" cannot be built: "+err.Error())
		return nil
	}
	if off := b.flags.Guard(t.Resolved); off != nil {
		m = guard.Around(m, guard.Target{Name: t.Name}, off)
	}
	return stream.Of(m)
}

// deferred returns the last resort that queues calls.
func (b *builder) deferred(d *spec.Deferred) (model.LLM, error) {
	if d == nil {
		d = spec.Default[spec.Deferred]()
	}
	own := app.Deferral{Text: d.Message, Expiry: d.MaxAge}
	if b.policy.Priority != nil {
		own.Priorities = stack.Ranks(b.policy.Priority.Classes)
	}
	return b.app.Deferred(own)
}
