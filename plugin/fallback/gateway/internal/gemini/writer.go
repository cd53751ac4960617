package gemini

import (
	"cmp"
	"crypto/rand"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// Writer writes an answer of the API. It implements protocol.Writer.
type Writer struct {
	Errors
	list  bool   // a stream is a JSON list instead of server-sent events
	begun bool   // the list has an element
	id    string // of the answer
	model string // the requested one, until a response says which one answers
}

// NewWriter returns the writer of an answer to a request for a model. With list, a stream is a
// JSON list instead of server-sent events.
func NewWriter(model string, list bool) *Writer {
	return &Writer{list: list, id: rand.Text(), model: model}
}

// response is a GenerateContentResponse.
// https://ai.google.dev/api/generate-content#generatecontentresponse
type response struct {
	Candidates     []candidate                                  `json:"candidates,omitempty"`
	PromptFeedback *genai.GenerateContentResponsePromptFeedback `json:"promptFeedback,omitempty"`
	UsageMetadata  *genai.GenerateContentResponseUsageMetadata  `json:"usageMetadata,omitempty"`
	ModelVersion   string                                       `json:"modelVersion,omitempty"`
	ResponseID     string                                       `json:"responseId"`
	Fallback       map[string]any                               `json:"fallback,omitempty"` // an extension
}

type candidate struct {
	Content           *content                 `json:"content,omitempty"`
	FinishReason      genai.FinishReason       `json:"finishReason,omitempty"`
	FinishMessage     string                   `json:"finishMessage,omitempty"`
	Index             int                      `json:"index"`
	CitationMetadata  *citations               `json:"citationMetadata,omitempty"`
	GroundingMetadata *genai.GroundingMetadata `json:"groundingMetadata,omitempty"`
	AvgLogprobs       float64                  `json:"avgLogprobs,omitempty"`
	LogprobsResult    *genai.LogprobsResult    `json:"logprobsResult,omitempty"`
}

// citations has the field name of the Gemini API; genai's type has that of Vertex AI.
type citations struct {
	Sources []*genai.Citation `json:"citationSources,omitempty"`
}

// content is a content that can have an empty text, which genai's type cannot express.
type content struct {
	Parts []any  `json:"parts"`
	Role  string `json:"role"`
}

func contentOf(parts []*genai.Part) *content {
	c := &content{Parts: make([]any, 0, max(len(parts), 1)), Role: genai.RoleModel}
	for _, part := range parts {
		if part != nil {
			c.Parts = append(c.Parts, part)
		}
	}
	if len(c.Parts) == 0 {
		c.Parts = append(c.Parts, map[string]string{"text": ""}) // as the API ends a stream
	}
	return c
}

func (w *Writer) ContentType(streamed bool) string {
	if streamed && !w.list {
		return "text/event-stream"
	}
	return "application/json"
}

func (w *Writer) Whole(dst []byte, resp *model.LLMResponse) ([]byte, error) {
	var parts []*genai.Part
	if resp.Content != nil {
		parts = resp.Content.Parts
	}
	return protocol.AppendJSON(dst, w.final(resp, parts))
}

func (w *Writer) Chunk(dst []byte, resp *model.LLMResponse, parts []*genai.Part) ([]byte, error) {
	return w.append(dst, &response{
		Candidates:    []candidate{{Content: contentOf(parts)}},
		UsageMetadata: resp.UsageMetadata, ModelVersion: w.version(resp), ResponseID: w.id,
	})
}

func (w *Writer) Last(dst []byte, resp *model.LLMResponse, rest []*genai.Part) ([]byte, error) {
	dst, err := w.append(dst, w.final(resp, rest))
	return w.end(dst), err
}

func (w *Writer) Broken(dst []byte, p *problem.Problem) []byte {
	dst, _ = w.append(dst, errorDocument(p)) // never fails: it has texts and a status
	return w.end(dst)
}

// final returns the response that ends an answer, with the parts to send.
func (w *Writer) final(resp *model.LLMResponse, parts []*genai.Part) *response {
	out := &response{
		UsageMetadata: resp.UsageMetadata, ModelVersion: w.version(resp), ResponseID: w.id, Fallback: protocol.Metadata(resp),
	}
	message := problem.Redact(resp.ErrorMessage)
	if reason := genai.BlockedReason(resp.ErrorCode); resp.Content == nil && blockReasons[reason] && string(resp.FinishReason) != resp.ErrorCode {
		out.PromptFeedback = &genai.GenerateContentResponsePromptFeedback{BlockReason: reason, BlockReasonMessage: message}
		return out
	}
	c := candidate{
		FinishReason: cmp.Or(resp.FinishReason, genai.FinishReasonStop), FinishMessage: message,
		GroundingMetadata: resp.GroundingMetadata, AvgLogprobs: resp.AvgLogprobs, LogprobsResult: resp.LogprobsResult,
	}
	if resp.Content != nil || resp.ErrorCode == "" {
		c.Content = contentOf(parts)
	}
	if resp.CitationMetadata != nil {
		c.CitationMetadata = &citations{Sources: resp.CitationMetadata.Citations}
	}
	out.Candidates = []candidate{c}
	return out
}

// blockReasons are the API's reasons for blocking a prompt.
var blockReasons = map[genai.BlockedReason]bool{
	genai.BlockedReasonSafety: true, genai.BlockedReasonOther: true, genai.BlockedReasonBlocklist: true, genai.BlockedReasonProhibitedContent: true,
	genai.BlockedReasonImageSafety: true, genai.BlockedReasonModelArmor: true, genai.BlockedReasonJailbreak: true,
}

// version returns the model that answers. Clients get it from the first chunk on.
func (w *Writer) version(resp *model.LLMResponse) string {
	if resp.ModelVersion != "" {
		return resp.ModelVersion
	}
	if md, ok := call.ReadResponse(resp); ok {
		w.model = md.ModelName
	}
	return w.model
}

// append appends an element of a stream.
func (w *Writer) append(dst []byte, v any) ([]byte, error) {
	data, err := protocol.AppendJSON(nil, v)
	if err != nil {
		return dst, err
	}
	if !w.list {
		return sse.AppendEvent(dst, "", data), nil
	}
	mark := byte('[')
	if w.begun {
		mark = ','
	}
	w.begun = true
	return append(append(dst, mark), data...), nil
}

// end appends the end of a stream.
func (w *Writer) end(dst []byte) []byte {
	if w.list {
		return append(dst, ']')
	}
	return dst
}
