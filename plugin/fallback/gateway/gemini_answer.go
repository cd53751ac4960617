package gateway

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
)

// geminiAnswer writes an answer of the Gemini API. The zero value is ready to use.
type geminiAnswer struct {
	list  bool   // a stream is a JSON list instead of server-sent events
	begun bool   // the list has an element
	id    string // of the answer; "" until it is needed
	name  string // of the model: the requested one, until a response says which one answers
}

// geminiResponse is a GenerateContentResponse.
// https://ai.google.dev/api/generate-content#generatecontentresponse
type geminiResponse struct {
	Candidates     []geminiCandidate                            `json:"candidates,omitempty"`
	PromptFeedback *genai.GenerateContentResponsePromptFeedback `json:"promptFeedback,omitempty"`
	UsageMetadata  *genai.GenerateContentResponseUsageMetadata  `json:"usageMetadata,omitempty"`
	ModelVersion   string                                       `json:"modelVersion,omitempty"`
	ResponseID     string                                       `json:"responseId"`
	Fallback       map[string]any                               `json:"fallback,omitempty"` // an extension
}

type geminiCandidate struct {
	Content           *geminiContent           `json:"content,omitempty"`
	FinishReason      genai.FinishReason       `json:"finishReason,omitempty"`
	FinishMessage     string                   `json:"finishMessage,omitempty"`
	Index             int                      `json:"index"`
	CitationMetadata  *geminiCitations         `json:"citationMetadata,omitempty"`
	GroundingMetadata *genai.GroundingMetadata `json:"groundingMetadata,omitempty"`
	AvgLogprobs       float64                  `json:"avgLogprobs,omitempty"`
	LogprobsResult    *genai.LogprobsResult    `json:"logprobsResult,omitempty"`
}

// geminiCitations has the field name of the Gemini API; genai's type has that of Vertex AI.
type geminiCitations struct {
	Sources []*genai.Citation `json:"citationSources,omitempty"`
}

// geminiContent is a content that can have an empty text, which genai's type cannot express.
type geminiContent struct {
	Parts []any  `json:"parts"`
	Role  string `json:"role"`
}

func contentOf(parts []*genai.Part) *geminiContent {
	content := &geminiContent{Parts: make([]any, 0, max(len(parts), 1)), Role: genai.RoleModel}
	for _, part := range parts {
		if part != nil {
			content.Parts = append(content.Parts, part)
		}
	}
	if len(content.Parts) == 0 {
		content.Parts = append(content.Parts, map[string]string{"text": ""}) // as the API ends a stream
	}
	return content
}

func (o *geminiAnswer) contentType(streamed bool) string {
	if streamed && !o.list {
		return "text/event-stream"
	}
	return "application/json"
}

func (o *geminiAnswer) whole(dst []byte, resp *model.LLMResponse) []byte {
	var parts []*genai.Part
	if resp.Content != nil {
		parts = resp.Content.Parts
	}
	return appendJSON(dst, o.final(resp, parts))
}

func (o *geminiAnswer) chunk(dst []byte, resp *model.LLMResponse, parts []*genai.Part) []byte {
	return o.append(dst, &geminiResponse{
		Candidates:    []geminiCandidate{{Content: contentOf(parts)}},
		UsageMetadata: resp.UsageMetadata, ModelVersion: o.version(resp), ResponseID: o.responseID(),
	})
}

func (o *geminiAnswer) last(dst []byte, resp *model.LLMResponse, rest []*genai.Part) []byte {
	return o.end(o.append(dst, o.final(resp, rest)))
}

func (o *geminiAnswer) broken(dst []byte, p *problem.Problem) []byte {
	return o.end(o.append(dst, geminiError(p)))
}

func (o *geminiAnswer) refusal(dst []byte, p *problem.Problem) []byte {
	return appendJSON(dst, geminiError(p))
}

// final returns the response that ends an answer, with the parts to send.
func (o *geminiAnswer) final(resp *model.LLMResponse, parts []*genai.Part) *geminiResponse {
	out := &geminiResponse{
		UsageMetadata: resp.UsageMetadata, ModelVersion: o.version(resp), ResponseID: o.responseID(), Fallback: metadataOf(resp),
	}
	message := problem.Redact(resp.ErrorMessage)
	if reason := genai.BlockedReason(resp.ErrorCode); resp.Content == nil && blockReasons[reason] && string(resp.FinishReason) != resp.ErrorCode {
		out.PromptFeedback = &genai.GenerateContentResponsePromptFeedback{BlockReason: reason, BlockReasonMessage: message}
		return out
	}
	candidate := geminiCandidate{
		FinishReason: cmp.Or(resp.FinishReason, genai.FinishReasonStop), FinishMessage: message,
		GroundingMetadata: resp.GroundingMetadata, AvgLogprobs: resp.AvgLogprobs, LogprobsResult: resp.LogprobsResult,
	}
	if resp.Content != nil || resp.ErrorCode == "" {
		candidate.Content = contentOf(parts)
	}
	if resp.CitationMetadata != nil {
		candidate.CitationMetadata = &geminiCitations{Sources: resp.CitationMetadata.Citations}
	}
	out.Candidates = []geminiCandidate{candidate}
	return out
}

// blockReasons are the API's reasons for blocking a prompt.
var blockReasons = map[genai.BlockedReason]bool{
	genai.BlockedReasonSafety: true, genai.BlockedReasonOther: true, genai.BlockedReasonBlocklist: true, genai.BlockedReasonProhibitedContent: true,
	genai.BlockedReasonImageSafety: true, genai.BlockedReasonModelArmor: true, genai.BlockedReasonJailbreak: true,
}

// version returns the model that answers. Clients get it from the first chunk on.
func (o *geminiAnswer) version(resp *model.LLMResponse) string {
	if resp.ModelVersion != "" {
		return resp.ModelVersion
	}
	if md, ok := call.ReadResponse(resp); ok {
		o.name = md.ModelName
	}
	return o.name
}

func (o *geminiAnswer) responseID() string {
	if o.id == "" {
		o.id = rand.Text()
	}
	return o.id
}

// append appends an element of a stream.
func (o *geminiAnswer) append(dst []byte, v any) []byte {
	if !o.list {
		return sse.AppendEvent(dst, "", appendJSON(nil, v))
	}
	mark := byte('[')
	if o.begun {
		mark = ','
	}
	o.begun = true
	return appendJSON(append(dst, mark), v)
}

// end appends the end of a stream.
func (o *geminiAnswer) end(dst []byte) []byte {
	if o.list {
		return append(dst, ']')
	}
	return dst
}

// geminiError returns an error as the API writes it: https://google.aip.dev/193.
func geminiError(p *problem.Problem) any {
	type detail map[string]any
	details := []detail{{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": p.Code, "domain": "adk-fallback"}}
	if p.Param != "" {
		details = append(details, detail{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []detail{{"field": p.Param, "description": p.Text}}})
	}
	if p.Wait > 0 {
		details = append(details, detail{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": fmt.Sprintf("%.3fs", max(p.Wait, time.Millisecond).Seconds())})
	}
	return map[string]any{"error": map[string]any{
		"code": p.Status, "message": p.Text, "status": cmp.Or(geminiStatuses[p.Status], "UNKNOWN"), "details": details,
	}}
}

// geminiStatuses are the names of statuses: https://google.aip.dev/193#http11json-representation.
var geminiStatuses = map[int]string{
	http.StatusBadRequest: "INVALID_ARGUMENT", http.StatusUnauthorized: "UNAUTHENTICATED", http.StatusForbidden: "PERMISSION_DENIED",
	http.StatusNotFound: "NOT_FOUND", http.StatusMethodNotAllowed: "UNIMPLEMENTED", http.StatusRequestTimeout: "DEADLINE_EXCEEDED",
	http.StatusRequestEntityTooLarge: "INVALID_ARGUMENT", http.StatusUnsupportedMediaType: "INVALID_ARGUMENT",
	http.StatusTooManyRequests: "RESOURCE_EXHAUSTED", http.StatusRequestHeaderFieldsTooLarge: "INVALID_ARGUMENT", problem.StatusCanceled: "CANCELLED",
	http.StatusInternalServerError: "INTERNAL", http.StatusBadGateway: "UNAVAILABLE", http.StatusServiceUnavailable: "UNAVAILABLE",
	http.StatusGatewayTimeout: "DEADLINE_EXCEEDED",
}
