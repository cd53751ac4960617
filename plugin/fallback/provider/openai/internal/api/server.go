package api

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"

	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// Server sends the requests of one model. It is safe for concurrent use.
type Server interface {
	// ModelName returns the server's name for the model that a request names: Azure
	// calls its models by deployment. "" is the Server's own model.
	ModelName(of string) string
	// Post posts body, the JSON object for a request, and returns the response if it is
	// a success that may hold an answer. The caller closes its body. Any other
	// response is an *openaiwire.Error.
	Post(ctx context.Context, of *model.LLMRequest, body []byte, stream bool) (*http.Response, error)
	// Error returns the error that body is. resp is nil within a stream.
	Error(resp *http.Response, body []byte) *openaiwire.Error
}

// IsEventStream reports whether a response is a stream, whatever was asked for.
func IsEventStream(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/event-stream"
}

// MaxStray bounds what is kept of words where an event should stand, in bytes.
const MaxStray = 4 << 10

// ReadWhole reads an answer that comes in one piece, of at most 16 MiB.
func ReadWhole(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, sse.MaxEvent+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("openai: reading the answer: %w", err)
	case len(data) > sse.MaxEvent:
		return nil, fmt.Errorf("openai: the answer is longer than 16 MiB: %w", failure.ErrTruncated)
	}
	return data, nil
}
