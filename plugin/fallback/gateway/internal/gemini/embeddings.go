package gemini

import (
	"fmt"
	"reflect"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// embedRequest is an EmbedContentRequest: https://ai.google.dev/api/embeddings.
type embedRequest struct {
	Model                string         `json:"model"` // of a batch: the same as that of the path
	Content              *genai.Content `json:"content"`
	TaskType             string         `json:"taskType"`
	Title                string         `json:"title"`
	OutputDimensionality *int32         `json:"outputDimensionality"`
}

func (r *embedRequest) config() *genai.EmbedContentConfig {
	return &genai.EmbedContentConfig{TaskType: r.TaskType, Title: r.Title, OutputDimensionality: r.OutputDimensionality}
}

// batchRequest is a BatchEmbedContentsRequest.
type batchRequest struct {
	Requests []*embedRequest `json:"requests"`
}

// embedding is a ContentEmbedding.
type embedding struct {
	Values []float32 `json:"values"`
}

// DecodeEmbeddings returns the calls of a body for a model. The body has one request or, with
// batch, a list of them. Consecutive requests with equal settings are one call.
func DecodeEmbeddings(body []byte, model string, batch bool) ([]protocol.EmbedCall, *problem.Problem) {
	var in batchRequest
	var err error
	if batch {
		_, err = decode(body, &in)
	} else {
		in.Requests = []*embedRequest{{}}
		_, err = decode(body, in.Requests[0])
	}
	if err != nil {
		return nil, wrongJSON(err)
	}
	if len(in.Requests) == 0 || len(in.Requests) > protocol.MaxEmbeddings {
		return nil, problem.Invalid("requests", fmt.Sprintf("requests must be a list of 1 to %d", protocol.MaxEmbeddings))
	}
	var calls []protocol.EmbedCall
	for i, one := range in.Requests {
		path := "content"
		if batch {
			path = fmt.Sprintf("requests[%d].content", i)
		}
		if one == nil || one.Content == nil { // a missing one would shift the others' embeddings
			return nil, problem.Invalid(path, path+" is missing")
		}
		if named := strings.TrimPrefix(one.Model, "models/"); batch && named != "" && named != strings.TrimPrefix(model, "models/") {
			at := fmt.Sprintf("requests[%d].model", i)
			return nil, problem.Invalid(at, at+" must be "+problem.Quote(model)+", the model of the path")
		}
		if p := checkContent(path, one.Content); p != nil {
			return nil, p
		}
		config := one.config()
		if n := len(calls); n > 0 && reflect.DeepEqual(calls[n-1].Config, config) {
			calls[n-1].Contents = append(calls[n-1].Contents, one.Content)
			continue
		}
		calls = append(calls, protocol.EmbedCall{Contents: []*genai.Content{one.Content}, Config: config})
	}
	return calls, nil
}

// EmbeddingsDocument returns the body of an answer: all embeddings of a batch, or the first one.
func EmbeddingsDocument(all []*genai.ContentEmbedding, batch bool) any {
	list := make([]embedding, len(all))
	for i, one := range all {
		list[i].Values = one.Values
	}
	if batch {
		return map[string]any{"embeddings": list}
	}
	return map[string]any{"embedding": list[0]}
}
