package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"sync"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cache"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

// embeddings answers POST /v1/embeddings.
func (g *Gateway) embeddings(w http.ResponseWriter, r *http.Request) {
	var wire openaiwire.EmbeddingsRequest
	var doc *openaiwire.Embeddings
	p := decodeEmbeddings(exchangeOf(r.Context()).data, &wire)
	if p == nil {
		doc, p = g.embedOpenAI(r.Context(), &wire)
	}
	note(r.Context(), wire.Model, p)
	if p != nil {
		refuse(w, openAIErrors{}, p)
		return
	}
	writeJSON(w, doc)
}

// embedOpenAI returns the embeddings that a request asks for.
func (g *Gateway) embedOpenAI(ctx context.Context, wire *openaiwire.EmbeddingsRequest) (*openaiwire.Embeddings, *problem.Problem) {
	if wire.User != "" {
		ctx = call.With(ctx, call.Info{User: wire.User})
	}
	contents := make([]*genai.Content, len(wire.Input))
	for i, text := range wire.Input {
		contents[i] = genai.NewContentFromText(text, genai.RoleUser)
	}
	config := &genai.EmbedContentConfig{}
	if wire.Dimensions > 0 {
		config.OutputDimensionality = genai.Ptr(int32(min(wire.Dimensions, math.MaxInt32)))
	}
	resps, p := g.embed(ctx, wire.Model, []protocol.EmbedCall{{Contents: contents, Config: config}})
	if p != nil {
		return nil, p
	}
	resp := resps[0]
	doc := &openaiwire.Embeddings{Object: "list", Data: make([]openaiwire.Embedding, len(resp.Embeddings)), Model: wire.Model}
	for i, one := range resp.Embeddings {
		doc.Data[i] = openaiwire.Embedding{Object: "embedding", Index: i, Embedding: openaiwire.Vector{Values: one.Values, Base64: wire.EncodingFormat == "base64"}}
		doc.Usage.PromptTokens += tokensOf(contents[i], one)
	}
	doc.Usage.TotalTokens = doc.Usage.PromptTokens
	return doc, nil
}

// embedGemini answers a request for one embedding, or for a batch.
func (g *Gateway) embedGemini(w http.ResponseWriter, r *http.Request, name string, batch bool) *problem.Problem {
	calls, p := gemini.DecodeEmbeddings(exchangeOf(r.Context()).data, batch)
	var resps []*genai.EmbedContentResponse
	if p == nil {
		resps, p = g.embed(r.Context(), name, calls)
	}
	var all []*genai.ContentEmbedding
	for i, resp := range resps {
		if len(resp.Embeddings) != len(calls[i].Contents) {
			p = problem.New(http.StatusBadGateway, problem.CodeUpstream, "", "the model sent another number of embeddings")
		}
		all = append(all, resp.Embeddings...)
	}
	if p != nil {
		refuse(w, gemini.Errors{}, p)
		return p
	}
	writeJSON(w, gemini.EmbeddingsDocument(all, batch))
	return nil
}

// embed makes calls of a named model.
func (g *Gateway) embed(ctx context.Context, name string, calls []protocol.EmbedCall) ([]*genai.EmbedContentResponse, *problem.Problem) {
	live, inside := g.routeOf(name)
	if live == nil || !mayName(ctx, name) {
		return nil, unknownModel(name)
	}
	if inside == "" {
		inside = live.Policy().Primary
	}
	resps := make([]*genai.EmbedContentResponse, len(calls))
	for i, one := range calls {
		var err error
		resps[i], err = g.vectors.of(live).EmbedContent(ctx, inside, one.Contents, one.Config)
		switch {
		case errors.Is(err, policy.ErrUnknownModel):
			return nil, unknownModel(name)
		case errors.Is(err, policy.ErrNoEmbeddings):
			return nil, problem.Invalid("model", "the model "+problem.Quote(name)+" has no embeddings")
		case err != nil:
			return nil, problemOf(ctx, err)
		}
	}
	return resps, nil
}

// tokensOf returns the number of tokens of a text: the provider's, or an estimate.
func tokensOf(text *genai.Content, e *genai.ContentEmbedding) int64 {
	if e.Statistics != nil && e.Statistics.TokenCount > 0 {
		return int64(e.Statistics.TokenCount)
	}
	return int64(tokens.OfContent(text))
}

func decodeEmbeddings(body []byte, wire *openaiwire.EmbeddingsRequest) *problem.Problem {
	err := json.Unmarshal(body, wire)
	var typ *json.UnmarshalTypeError
	switch {
	case errors.Is(err, openaiwire.ErrTokens):
		return problem.Invalid("input", "input must be texts: tokens are those of one model")
	case errors.As(err, &typ):
		return problem.Invalid(cmp.Or(typ.Field, "input"), cmp.Or(typ.Field, "input")+" has the wrong type: "+typ.Value)
	case err != nil:
		return problem.Invalid("", "the body is not valid JSON: "+err.Error())
	case wire.Model == "":
		return problem.Invalid("model", "model is missing; GET /v1/models lists the models")
	case len(wire.Input) == 0 || len(wire.Input) > protocol.MaxEmbeddings:
		return problem.Invalid("input", "input must be 1 to 2048 texts")
	case wire.Dimensions < 0:
		return problem.Invalid("dimensions", "dimensions must be at least 1")
	case wire.EncodingFormat != "" && wire.EncodingFormat != "float" && wire.EncodingFormat != "base64":
		return problem.Invalid("encoding_format", "encoding_format must be float or base64")
	}
	return nil
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
	return inner.EmbedContent(ctx, model, contents, config)
}
