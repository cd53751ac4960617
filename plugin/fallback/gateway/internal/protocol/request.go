package protocol

import (
	"fmt"

	"google.golang.org/genai"

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

// MaxEmbeddings is the most embeddings that a request may ask for, as in OpenAI's API.
const MaxEmbeddings = 2048

// EmbedCall is a call for the embeddings of contents, in the canonical form.
type EmbedCall struct {
	Contents []*genai.Content
	Config   *genai.EmbedContentConfig
}
