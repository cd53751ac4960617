package openai

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// EmbedContent implements cache.Embedder. It returns the embeddings of contents, which must
// consist of texts. Only OutputDimensionality of config has an effect. An empty model means the
// model's own name.
func (m *Model) EmbedContent(ctx context.Context, model string, contents []*genai.Content, config *genai.EmbedContentConfig) (*genai.EmbedContentResponse, error) {
	wire := openaiwire.EmbeddingsRequest{Model: m.server.ModelName(model), Input: make(openaiwire.EmbeddingsInput, len(contents))}
	for i, content := range contents {
		wire.Input[i] = request.Text(content)
	}
	if config != nil && config.OutputDimensionality != nil {
		dimensions := int64(*config.OutputDimensionality)
		wire.Dimensions = &dimensions
	}
	body, err := json.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("openai: %w", err) // not reached: it has texts and numbers only
	}
	resp, err := m.server.post(ctx, m.server.embeddings, m.server.header, body, false)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, sse.MaxEvent))
	if err != nil {
		return nil, fmt.Errorf("openai: reading the embeddings: %w", err)
	}
	return embeddingsOf(data, len(contents))
}

// embeddingsOf reads n embeddings.
func embeddingsOf(data []byte, n int) (*genai.EmbedContentResponse, error) {
	var wire openaiwire.Embeddings
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, fmt.Errorf("openai: the embeddings cannot be read: %w", failure.ErrTruncated)
	}
	answer := &genai.EmbedContentResponse{Embeddings: make([]*genai.ContentEmbedding, n)}
	for _, one := range wire.Data {
		if one.Index < 0 || one.Index >= n || len(one.Embedding.Values) == 0 || answer.Embeddings[one.Index] != nil {
			return nil, fmt.Errorf("openai: an embedding is empty or has no place: %w", failure.ErrTruncated)
		}
		answer.Embeddings[one.Index] = &genai.ContentEmbedding{Values: one.Embedding.Values}
	}
	if len(wire.Data) != n {
		return nil, fmt.Errorf("openai: %d embeddings for %d texts: %w", len(wire.Data), n, failure.ErrTruncated)
	}
	if n == 1 { // for several, the server does not say which has how many
		answer.Embeddings[0].Statistics = &genai.ContentEmbeddingStatistics{TokenCount: float32(wire.Usage.PromptTokens)}
	}
	return answer, nil
}
