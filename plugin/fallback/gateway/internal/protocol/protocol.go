// Package protocol defines what the gateway needs of a protocol of its clients, and has what all
// protocols share. Each protocol is a package beside this one. It decodes the bodies of requests
// to the canonical form, which is ADK's, and writes canonical answers and problems. It knows
// nothing of HTTP handlers, keys or routes.
package protocol

import (
	"encoding/json"
	"slices"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// Writer writes an answer in one protocol. A value serves one request, on one goroutine. The
// methods append to dst and return it.
//
// An answer that is not streamed is one call of Whole. A streamed answer is any number of calls
// of Chunk, then one of Last or Broken; their output is sent at once. An error before the first
// byte is one call of Refusal.
type Writer interface {
	ErrorWriter
	// ContentType returns the Content-Type of an answer. Errors are always JSON.
	ContentType(streamed bool) string
	// Whole appends the body of an answer.
	Whole(dst []byte, resp *model.LLMResponse) []byte
	// Chunk appends parts of an answer in progress; parts are texts and thoughts. resp is the
	// partial response that has them.
	Chunk(dst []byte, resp *model.LLMResponse, parts []*genai.Part) []byte
	// Last appends the end of a stream. rest has the parts of the final response that were not
	// sent: the rest of its text, and all parts that are neither text nor thought.
	Last(dst []byte, resp *model.LLMResponse, rest []*genai.Part) []byte
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

// AppendJSON appends v, which must marshal: the gateway refuses answers with values that JSON
// does not have. It panics otherwise, which ends the call with an error.
func AppendJSON(dst []byte, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("gateway: " + err.Error())
	}
	return append(dst, data...)
}
