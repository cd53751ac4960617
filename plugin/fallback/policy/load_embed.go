package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/facts"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// ErrNoEmbeddings is the error of [Live.Embedder] for a model whose provider has no
// embeddings.
var ErrNoEmbeddings = errors.New("policy: the model's provider has no embeddings")

// maxEmbedders bounds the models that a Live keeps for embeddings.
const maxEmbedders = 64

// Embedder returns an embedder for a model that the policy declares; see
// [spec.Policy.Declares]. The model's provider must be gemini, vertexai or openai, or the
// application must supply the model with a method EmbedContent. Compliance rules, flags and
// timeouts.attempt apply. There is no fallback: embeddings of different models cannot be
// compared. Breakers, limits and budgets do not count these calls.
//
// The Embedder uses the policy that is in use now. Its argument model is ignored.
func (l *Live) Embedder(ctx context.Context, name string) (cache.Embedder, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.tree.Load().policy
	if !p.Declares(name) && !l.options.handsIn(name) {
		return nil, fmt.Errorf("%w: %s", ErrUnknownModel, strictyaml.Quoted(name))
	}
	if l.chains.embedders == nil {
		l.chains.embedders, _ = simplelru.NewLRU[string, *embedder](maxEmbedders, nil) // fails only for a size below 1
	}
	if e, ok := l.chains.embedders.Get(name); ok {
		return e, nil
	}
	b := newBuilder(ctx, p.WithChain(name), l.options)
	e, err := b.embedder(b.policy.Targets()[0])
	switch {
	case strictyaml.HasErrors(b.problems):
		return nil, &spec.Error{Problems: b.problems}
	case err != nil:
		return nil, err
	}
	l.chains.embedders.Add(name, e)
	return e, nil
}

// embedder makes the embeddings of one model.
type embedder struct {
	inner   cache.Embedder
	id      string
	target  guard.Target
	guards  []guard.Guard
	timeout time.Duration // 0 for none
	facts   facts.Sources
}

// embedder builds the embeddings of a target.
func (b *builder) embedder(t spec.Target) (*embedder, error) {
	b.problems = append(b.problems, spec.Check(b.policy, b.options.known())...)
	llm, id, err := b.llm(t, b.options.env)
	if err != nil {
		return nil, err
	}
	e := &embedder{id: id, target: guard.Target{Name: t.Name, Aliases: []string{t.Model}, Region: t.Settings.Region}, facts: facts.Sources{Context: b.policy.Context}}
	switch own := llm.(type) {
	case cache.Embedder:
		e.inner = own
	case client:
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
func (e *embedder) EmbedContent(ctx context.Context, _ string, contents []*genai.Content, config *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
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
