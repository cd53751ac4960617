package gateway

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"sync"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/openai"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// embeddings answers POST /v1/embeddings.
func (g *Gateway) embeddings(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	in, p := openai.DecodeEmbeddings(exchangeOf(ctx).data)
	if in.User != "" {
		ctx = call.With(ctx, call.Info{User: in.User})
	}
	var all []*genai.ContentEmbedding
	if p == nil {
		all, p = g.embed(ctx, in.Named, []protocol.EmbedCall{in.EmbedCall})
	}
	if p != nil {
		refuse(w, openai.Errors{}, p)
	} else {
		p = writeJSON(w, openai.Errors{}, in.Document(all))
	}
	note(ctx, in.Named, p)
}

// embedGemini answers a request for one embedding, or for a batch.
func (g *Gateway) embedGemini(w http.ResponseWriter, r *http.Request, name string, batch bool) *problem.Problem {
	calls, p := gemini.DecodeEmbeddings(exchangeOf(r.Context()).data, name, batch)
	var all []*genai.ContentEmbedding
	if p == nil {
		all, p = g.embed(r.Context(), name, calls)
	}
	if p != nil {
		refuse(w, gemini.Errors{}, p)
		return p
	}
	return writeJSON(w, gemini.Errors{}, gemini.EmbeddingsDocument(all, batch))
}

// embed makes calls of a named model. It returns one embedding for each content.
func (g *Gateway) embed(ctx context.Context, name string, calls []protocol.EmbedCall) (all []*genai.ContentEmbedding, p *problem.Problem) {
	live, inside := g.routeOf(name)
	if live == nil || !mayName(ctx, name) {
		return nil, unknownModel(name)
	}
	if inside == "" {
		inside = live.Policy().Primary
	}
	for _, one := range calls {
		resp, err := g.vectors.of(live).EmbedContent(ctx, inside, one.Contents, one.Config)
		switch {
		case errors.Is(err, policy.ErrUnknownModel):
			return nil, unknownModel(name)
		case errors.Is(err, policy.ErrNoEmbeddings):
			return nil, problem.Invalid("model", "the model "+problem.Quote(name)+" has no embeddings")
		case errors.Is(err, errNotFinite):
			return nil, noJSON()
		case err != nil:
			return nil, problemOf(ctx, err)
		case len(resp.Embeddings) != len(one.Contents) || slices.Contains(resp.Embeddings, nil):
			return nil, problem.New(http.StatusBadGateway, problem.CodeUpstream, "", "the model did not return one embedding for each input")
		}
		all = append(all, resp.Embeddings...)
	}
	return all, nil
}

// vectors caches the embeddings of each policy. A reloaded policy gets a new cache, because the
// same name may now be another model.
type vectors struct {
	mu     sync.Mutex
	caches map[*policy.Live]*kept // guarded by mu
}

type kept struct {
	*cache.Embeddings
	policy *spec.Policy
}

// of returns the embeddings of the policy in use.
func (v *vectors) of(l *policy.Live) cache.Embedder {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := l.Policy()
	if k := v.caches[l]; k != nil {
		if k.policy == p {
			return k
		}
		_ = k.Close() // it never fails
	}
	if v.caches == nil {
		v.caches = map[*policy.Live]*kept{}
	}
	k := &kept{cache.MustNewEmbeddings(embedders{l}, cache.EmbeddingsConfig{}), p}
	v.caches[l] = k
	return k
}

// embedders are the models of a policy.
type embedders struct{ live *policy.Live }

// EmbedContent implements cache.Embedder.
func (e embedders) EmbedContent(ctx context.Context, model string, contents []*genai.Content, config *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	inner, err := e.live.Embedder(ctx, model)
	if err != nil {
		return nil, err
	}
	resp, err := inner.EmbedContent(ctx, model, contents, config)
	if err == nil && resp != nil && !finite(resp.Embeddings) {
		return nil, errNotFinite // an error, so that the cache does not keep them
	}
	return resp, err
}

// errNotFinite is the error of embeddings that have NaN or an infinity. Base64 could represent
// them, but no client expects them.
var errNotFinite = errors.New("gateway: an embedding has a value that is not finite")

func finite(all []*genai.ContentEmbedding) bool {
	for _, one := range all {
		if one == nil {
			continue
		}
		for _, value := range one.Values {
			if v := float64(value); math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
	}
	return true
}
