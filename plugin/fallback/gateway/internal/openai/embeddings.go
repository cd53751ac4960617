package openai

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// Embeddings is a request for embeddings, in the canonical form.
type Embeddings struct {
	protocol.EmbedCall
	Named string // the model or route that the request names
	User  string

	base64 bool // the form of the answer
}

// DecodeEmbeddings decodes the body of a request. If it returns a problem, only Named may be
// set.
func DecodeEmbeddings(body []byte) (Embeddings, *problem.Problem) {
	var wire openaiwire.EmbeddingsRequest
	_, err := protocol.Decode(body, func(body []byte) error {
		wire = openaiwire.EmbeddingsRequest{}
		return json.Unmarshal(body, &wire)
	})
	e := Embeddings{Named: wire.Model}
	if p := checkEmbeddings(&wire, err); p != nil {
		return e, p
	}
	e.User, e.base64, e.Config = wire.User, wire.EncodingFormat == "base64", &genai.EmbedContentConfig{}
	for _, text := range wire.Input {
		e.Contents = append(e.Contents, genai.NewContentFromText(text, genai.RoleUser))
	}
	if wire.Dimensions != nil {
		e.Config.OutputDimensionality = genai.Ptr(int32(min(*wire.Dimensions, math.MaxInt32)))
	}
	return e, nil
}

// checkEmbeddings returns the problem of a request; err is that of its decoding.
func checkEmbeddings(wire *openaiwire.EmbeddingsRequest, err error) *problem.Problem {
	var typ *json.UnmarshalTypeError
	switch {
	case errors.Is(err, openaiwire.ErrTokens):
		return problem.Invalid("input", "input must be a text or a list of texts, not tokens; in LangChain, set check_embedding_ctx_length=False")
	case errors.As(err, &typ):
		return problem.Invalid(cmp.Or(typ.Field, "input"), cmp.Or(typ.Field, "input")+" has the wrong type: "+typ.Value)
	case err != nil:
		return problem.Invalid("", "the body is not valid JSON: "+err.Error())
	case wire.Model == "":
		return problem.Invalid("model", "model is missing; GET /v1/models lists the models")
	case len(wire.Input) == 0 || len(wire.Input) > protocol.MaxEmbeddings:
		return problem.Invalid("input", fmt.Sprintf("input must be 1 to %d texts", protocol.MaxEmbeddings))
	case wire.Dimensions != nil && *wire.Dimensions < 1:
		return problem.Invalid("dimensions", "dimensions must be at least 1")
	case wire.EncodingFormat != "" && wire.EncodingFormat != "float" && wire.EncodingFormat != "base64":
		return problem.Invalid("encoding_format", "encoding_format must be float or base64")
	}
	return nil
}

// Document returns the body of the answer.
func (e *Embeddings) Document(all []*genai.ContentEmbedding) *openaiwire.Embeddings {
	doc := &openaiwire.Embeddings{Object: "list", Data: make([]openaiwire.Embedding, len(all)), Model: e.Named}
	for i, one := range all {
		doc.Data[i] = openaiwire.Embedding{Object: "embedding", Index: i, Embedding: openaiwire.Vector{Values: one.Values, Base64: e.base64}}
		doc.Usage.PromptTokens += tokensOf(e.Contents[i], one)
	}
	doc.Usage.TotalTokens = doc.Usage.PromptTokens
	return doc
}

// tokensOf returns the number of tokens of a text: the provider's, or an estimate.
func tokensOf(text *genai.Content, e *genai.ContentEmbedding) int64 {
	if e.Statistics != nil && e.Statistics.TokenCount > 0 {
		return int64(e.Statistics.TokenCount)
	}
	return int64(tokens.OfContent(text))
}
