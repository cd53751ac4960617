package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/app"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/facts"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// ErrNoEmbeddings is the error for a model whose provider has no embeddings.
var ErrNoEmbeddings = errors.New("policy: the model's provider has no embeddings")

// Embedder makes the embeddings of one model. It implements cache.Embedder.
type Embedder struct {
	inner   cache.Embedder
	id      string
	target  guard.Target
	guards  []guard.Guard
	timeout time.Duration // 0 for none
	facts   facts.Sources
}

// NewEmbedder returns the embedder of the primary of p. ctx applies to making its client.
func NewEmbedder(ctx context.Context, p *spec.Policy, a *app.Config) (*Embedder, error) {
	b := newBuilder(ctx, p, a)
	b.problems = spec.Check(p, a.Known())
	e, err := b.embedder(p.Targets()[0])
	if strictyaml.HasErrors(b.problems) {
		return nil, &spec.Error{Problems: b.problems}
	}
	return e, err
}

func (b *builder) embedder(t spec.Target) (*Embedder, error) {
	llm, id, err := b.stacks.Model(b.ctx, t)
	if err != nil {
		return nil, err
	}
	e := &Embedder{id: id, target: guard.Target{Name: t.Name, Aliases: []string{t.Model}, Region: t.Settings.Region}, facts: facts.Of(b.policy)}
	switch own := llm.(type) {
	case cache.Embedder:
		e.inner = own
	case interface{ Client() *genai.Client }:
		if e.inner = own.Client().Models; own.Client().Models == nil {
			return nil, fmt.Errorf("%w: %s", ErrNoEmbeddings, strictyaml.Quoted(t.Name))
		}
	default:
		return nil, fmt.Errorf("%w: %s", ErrNoEmbeddings, strictyaml.Quoted(t.Name))
	}
	e.guards = slices.DeleteFunc([]guard.Guard{b.compliance(), b.flags.Guard(t.Resolved)}, func(g guard.Guard) bool { return g == nil })
	if b.policy.Timeouts != nil {
		e.timeout = b.policy.Timeouts.Attempt
	}
	return e, nil
}

// EmbedContent implements cache.Embedder.
func (e *Embedder) EmbedContent(ctx context.Context, _ string, contents []*genai.Content, config *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	ctx = e.facts.Read(ctx)
	req := &model.LLMRequest{Contents: contents}
	var err error
	for _, g := range e.guards {
		if req, err = g(ctx, req, e.target); err != nil {
			return nil, err
		}
	}
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.timeout)
		defer cancel()
	}
	return e.inner.EmbedContent(ctx, e.id, req.Contents, config)
}
