package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
)

// geminiEmbed is an EmbedContentRequest: https://ai.google.dev/api/embeddings.
type geminiEmbed struct {
	Content              *genai.Content `json:"content"`
	TaskType             string         `json:"taskType"`
	Title                string         `json:"title"`
	OutputDimensionality *int32         `json:"outputDimensionality"`
}

func (e *geminiEmbed) config() *genai.EmbedContentConfig {
	return &genai.EmbedContentConfig{TaskType: e.TaskType, Title: e.Title, OutputDimensionality: e.OutputDimensionality}
}

// geminiEmbeds is a BatchEmbedContentsRequest.
type geminiEmbeds struct {
	Requests []*geminiEmbed `json:"requests"`
}

// geminiVector is a ContentEmbedding.
type geminiVector struct {
	Values []float32 `json:"values"`
}

// embedGemini answers a request for one embedding, or for a batch.
func (g *Gateway) embedGemini(w http.ResponseWriter, r *http.Request, name string, batch bool, out *geminiAnswer) *problem.Problem {
	in, p := decodeGeminiEmbeds(exchangeOf(r.Context()).data, batch)
	var vectors []geminiVector
	if p == nil {
		vectors, p = g.embedAll(r.Context(), name, in)
	}
	switch {
	case p != nil:
		refuse(w, out, p)
	case batch:
		writeJSON(w, map[string]any{"embeddings": vectors})
	default:
		writeJSON(w, map[string]any{"embedding": vectors[0]})
	}
	return p
}

func decodeGeminiEmbeds(body []byte, batch bool) ([]*geminiEmbed, *problem.Problem) {
	if hasSnakeKeys(body) {
		body = camelKeys(body)
	}
	var in geminiEmbeds
	var err error
	if batch {
		err = json.Unmarshal(body, &in)
	} else {
		in.Requests = []*geminiEmbed{{}}
		err = json.Unmarshal(body, in.Requests[0])
	}
	if err != nil {
		return nil, wrongJSON(err)
	}
	if len(in.Requests) == 0 || len(in.Requests) > maxInputs {
		return nil, problem.Invalid("requests", fmt.Sprintf("requests must be a list of 1 to %d", maxInputs))
	}
	for i, one := range in.Requests {
		path := "content"
		if batch {
			path = fmt.Sprintf("requests[%d].content", i)
		}
		if one == nil || one.Content == nil { // a missing one would shift the others' embeddings
			return nil, problem.Invalid(path, path+" is missing")
		}
		if p := checkContent(path, one.Content); p != nil {
			return nil, p
		}
	}
	return in.Requests, nil
}

// embedAll returns the embeddings of all requests. Consecutive requests with equal settings are
// one call.
func (g *Gateway) embedAll(ctx context.Context, name string, in []*geminiEmbed) (all []geminiVector, p *problem.Problem) {
	live, inside := g.routeOf(name)
	if live == nil || !mayName(ctx, name) {
		return nil, unknownModel(name)
	}
	if inside == "" {
		inside = live.Policy().Primary
	}
	for len(in) > 0 {
		config := in[0].config()
		var contents []*genai.Content
		for len(in) > 0 && reflect.DeepEqual(in[0].config(), config) {
			contents, in = append(contents, in[0].Content), in[1:]
		}
		resp, err := g.vectors.of(live).EmbedContent(ctx, inside, contents, config)
		switch {
		case errors.Is(err, policy.ErrUnknownModel):
			return nil, unknownModel(name)
		case errors.Is(err, policy.ErrNoEmbeddings):
			return nil, problem.Invalid("model", "the model "+problem.Quote(name)+" has no embeddings")
		case err != nil:
			return nil, problemOf(ctx, err)
		case len(resp.Embeddings) != len(contents):
			return nil, problem.New(http.StatusBadGateway, problem.CodeUpstream, "", "the model sent another number of embeddings")
		}
		for _, one := range resp.Embeddings {
			all = append(all, geminiVector{one.Values})
		}
	}
	return all, nil
}
