package protocol

import (
	"bytes"
	"fmt"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/jsonscan"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// FieldFallbacks is the extension field of a request with its own fallbacks: the names of models
// to try after the named one.
const FieldFallbacks = "fallbacks"

// maxFallbacks is the most fallbacks that a request may bring.
const maxFallbacks = 16

// CheckFallbacks returns the problem of a request with too many fallbacks.
func CheckFallbacks(names []string) *problem.Problem {
	if len(names) > maxFallbacks {
		return problem.Invalid(FieldFallbacks, fmt.Sprintf("fallbacks has %d models; it may have %d", len(names), maxFallbacks))
	}
	return nil
}

// Decode decodes a body with unmarshal, which must discard what an earlier call has decoded. JSON has one kind of
// numbers, so 100.0 and 1e2 are the integer 100, but package json refuses them: if unmarshal fails, it is called
// again with integers in their place. Decode returns the body that was decoded last.
func Decode(body []byte, unmarshal func([]byte) error) ([]byte, error) {
	err := unmarshal(body)
	if err == nil {
		return body, nil
	}
	if whole := jsonscan.Integers(body); !bytes.Equal(whole, body) {
		return whole, unmarshal(whole)
	}
	return body, err
}

// MaxEmbeddings is the most embeddings that a request may ask for, as in OpenAI's API.
const MaxEmbeddings = 2048

// EmbedCall is a call for the embeddings of contents, in the canonical form.
type EmbedCall struct {
	Contents []*genai.Content
	Config   *genai.EmbedContentConfig
}
