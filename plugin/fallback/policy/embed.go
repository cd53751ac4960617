package policy

import (
	"context"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/adk-fallback/adk-fallback/internal/strictyaml"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/internal/tree"
)

// ErrNoEmbeddings is the error of [Live.Embedder] for a model whose provider has no
// embeddings.
var ErrNoEmbeddings = tree.ErrNoEmbeddings

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
	p := l.tree.Load().Policy
	if !p.Declares(name) && !l.options.HandsIn(name) {
		return nil, fmt.Errorf("%w: %s", ErrUnknownModel, strictyaml.Quoted(name))
	}
	if l.chains.embedders == nil {
		l.chains.embedders, _ = simplelru.NewLRU[string, *tree.Embedder](maxEmbedders, nil) // fails only for a size below 1
	}
	if e, ok := l.chains.embedders.Get(name); ok {
		return e, nil
	}
	e, err := tree.NewEmbedder(ctx, p.WithChain(name), &l.options.Config)
	if err != nil {
		return nil, err
	}
	l.chains.embedders.Add(name, e)
	return e, nil
}
