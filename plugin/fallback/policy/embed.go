package policy

import (
	"context"

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
	e, err := builtOnce(ctx, l, &l.chains.embedders, maxEmbedders, name, []string{name}, func() (*tree.Embedder, error) {
		return tree.NewEmbedder(ctx, l.tree.Load().Policy.WithChain(name), &l.options.Config)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}
