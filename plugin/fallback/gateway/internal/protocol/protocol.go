// Package protocol defines the interfaces that each client protocol of the gateway implements,
// and holds the code that all protocols share. Each protocol is a package beside this one, such
// as openai: it decodes request bodies to the canonical form, which is ADK's, and encodes
// canonical answers and problems. HTTP handlers, keys and routes belong to package gateway.
package protocol

import (
	"encoding/json"
	"fmt"
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// Writer writes an answer in one protocol. A value serves one request, on one goroutine. The
// methods append to dst and return it. Those that return an error fail if a value of the answer
// has no JSON, such as NaN; what they return with the error must not be sent.
//
// For an answer that is not streamed, the gateway calls Whole once. For a stream, it calls Chunk
// any number of times, then either Last or Broken, and sends the output of each call at once. For
// an error before the first byte, it calls only Refusal.
type Writer interface {
	ErrorWriter
	// ContentType returns the Content-Type of an answer. Errors are always JSON.
	ContentType(streamed bool) string
	// Whole appends the body of an answer.
	Whole(dst []byte, resp *model.LLMResponse) ([]byte, error)
	// Chunk appends parts of an answer in progress; parts are texts and thoughts, which may have
	// metadata. resp is the partial response that has them.
	Chunk(dst []byte, resp *model.LLMResponse, parts []*genai.Part) ([]byte, error)
	// Last appends the end of a stream. rest has the parts of the final response that were not
	// sent: the rest of its text, and all parts that are neither text nor thought.
	Last(dst []byte, resp *model.LLMResponse, rest []*genai.Part) ([]byte, error)
	// Broken appends the end of a stream that fails after its first content.
	Broken(dst []byte, p *problem.Problem) []byte
}

// ErrorWriter writes errors in one protocol.
type ErrorWriter interface {
	// Refusal appends the body of an error.
	Refusal(dst []byte, p *problem.Problem) []byte
}

// Filtered reports whether a content policy has ended an answer.
func Filtered(resp *model.LLMResponse) bool {
	v, bad := failure.ClassifyResponse(resp, failure.Expect{})
	return bad && v.Kind == failure.KindContent
}

// Metadata returns the metadata of a response, for the extension field "fallback" of an
// answer's body; nil if it has none. Messages that may have the addresses of servers are
// omitted; the reasons beside them stay.
func Metadata(resp *model.LLMResponse) map[string]any {
	md, ok := call.ReadResponse(resp)
	if !ok {
		return nil
	}
	md.Attempts = slices.Clone(md.Attempts)
	for i := range md.Attempts {
		if kind := failure.Kind(md.Attempts[i].Kind); kind == failure.KindNetwork || kind == failure.KindTimeout {
			md.Attempts[i].Message = ""
		}
	}
	return md.Map()
}

// AppendJSON appends v as JSON. It returns an error if v has a value that JSON cannot represent,
// such as NaN.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return dst, fmt.Errorf("gateway: %w", err)
	}
	return append(dst, data...), nil
}
