package gateway

import (
	"encoding/json"
	"fmt"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
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
