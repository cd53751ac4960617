package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// chatWriter writes the answer to a request for a chat completion. It implements protocol.Writer.
type chatWriter struct {
	includeUsage bool
	id           string
	created      int64
	model        string // that answers; "" while not known
	begun        bool   // the role has been sent
}

func newChatWriter(c *chatRequest) *chatWriter {
	return &chatWriter{includeUsage: c.includeUsage, id: "chatcmpl-" + rand.Text(), created: time.Now().Unix(), model: c.model}
}

func (w *chatWriter) ContentType(streamed bool) string {
	if streamed {
		return "text/event-stream; charset=utf-8"
	}
	return "application/json"
}

// chatDocument is a whole answer or a chunk of one. Fallback is the gateway's extension: the
// metadata of the call.
type chatDocument struct {
	openaiwire.ChatAnswer
	Choices  any            `json:"choices"`
	Fallback map[string]any `json:"fallback,omitempty"`
}

// chatChoice is the choice of a whole answer.
type chatChoice struct {
	Index        int                      `json:"index"`
	Message      chatMessage              `json:"message"`
	Logprobs     *openaiwire.ChatLogprobs `json:"logprobs"`
	FinishReason string                   `json:"finish_reason"`
}

// chatMessage is the message of a whole answer, in which text and refusal are null if there
// are none.
type chatMessage struct {
	openaiwire.ChatDelta
	Content   *string    `json:"content"`
	Refusal   *string    `json:"refusal"`
	ToolCalls []chatCall `json:"tool_calls,omitempty"`
}

// chatCall is a whole call, which has no index.
type chatCall struct {
	openaiwire.ChatCallDelta
	Index *int `json:"index,omitempty"` // always nil
}

// document returns a document without choices.
func (w *chatWriter) document(object string, resp *model.LLMResponse) chatDocument {
	if resp != nil {
		if md, _ := call.ReadResponse(resp); md.ModelName != "" {
			w.model = md.ModelName
		}
	}
	return chatDocument{ChatAnswer: openaiwire.ChatAnswer{ID: w.id, Object: object, Created: w.created, Model: w.model}}
}

func (w *chatWriter) Whole(dst []byte, resp *model.LLMResponse) []byte {
	doc := w.document("chat.completion", resp)
	doc.Usage, doc.Fallback = chatUsage(resp.UsageMetadata), protocol.Metadata(resp)
	delta := deltaOf(partsOf(resp), 0)
	message := chatMessage{ChatDelta: delta, Content: delta.Content}
	message.Role = "assistant"
	for _, one := range delta.ToolCalls {
		message.ToolCalls = append(message.ToolCalls, chatCall{ChatCallDelta: one})
	}
	if refusal := refusalOf(resp); refusal != "" {
		message.Refusal = &refusal
	}
	doc.Choices = []chatChoice{{Message: message, Logprobs: chatLogprobs(resp.LogprobsResult), FinishReason: chatFinish(resp)}}
	return protocol.AppendJSON(dst, doc)
}

func (w *chatWriter) Chunk(dst []byte, resp *model.LLMResponse, parts []*genai.Part) []byte {
	dst = w.begin(dst, resp)
	return w.delta(dst, resp, deltaOf(parts, 0))
}

// begin appends the first chunk, which has only the role.
func (w *chatWriter) begin(dst []byte, resp *model.LLMResponse) []byte {
	if w.begun {
		return dst
	}
	w.begun = true
	return w.delta(dst, resp, openaiwire.ChatDelta{Role: "assistant", Content: new(string)})
}

// delta appends a chunk.
func (w *chatWriter) delta(dst []byte, resp *model.LLMResponse, delta openaiwire.ChatDelta) []byte {
	doc := w.document("chat.completion.chunk", resp)
	doc.Choices = []openaiwire.ChatChoice{{Delta: &delta}}
	return appendEvent(dst, doc)
}

func (w *chatWriter) Last(dst []byte, resp *model.LLMResponse, rest []*genai.Part) []byte {
	dst = w.begin(dst, resp)
	delta := deltaOf(rest, 0)
	delta.Refusal = refusalOf(resp)
	calls := delta.ToolCalls
	if delta.ToolCalls = nil; delta.Content != nil || delta.ReasoningContent != "" || delta.Refusal != "" || delta.Images != nil {
		dst = w.delta(dst, resp, delta)
	}
	for _, one := range calls {
		dst = w.delta(dst, resp, openaiwire.ChatDelta{ToolCalls: []openaiwire.ChatCallDelta{one}})
	}
	doc := w.document("chat.completion.chunk", resp)
	finish := chatFinish(resp)
	doc.Choices = []openaiwire.ChatChoice{{Delta: &openaiwire.ChatDelta{}, FinishReason: &finish, Logprobs: chatLogprobs(resp.LogprobsResult)}}
	doc.Fallback = protocol.Metadata(resp)
	dst = appendEvent(dst, doc)
	if usage := chatUsage(resp.UsageMetadata); w.includeUsage && usage != nil {
		dst = w.usage(dst, usage)
	}
	return sse.AppendDone(dst)
}

// usage appends the chunk that has no choice, only the tokens.
func (w *chatWriter) usage(dst []byte, usage *openaiwire.ChatUsage) []byte {
	doc := w.document("chat.completion.chunk", nil)
	doc.Choices, doc.Usage = []openaiwire.ChatChoice{}, usage
	return appendEvent(dst, doc)
}

// broken appends the error. A stream that ends without [DONE] is no answer.
func (w *chatWriter) Broken(dst []byte, p *problem.Problem) []byte {
	return sse.AppendEvent(dst, "", w.Refusal(nil, p))
}

func (w *chatWriter) Refusal(dst []byte, p *problem.Problem) []byte { return appendOpenAIError(dst, p) }

// appendOpenAIError appends the body of an error.
func appendOpenAIError(dst []byte, p *problem.Problem) []byte {
	var e struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    string  `json:"code"`
		} `json:"error"`
	}
	e.Error.Message, e.Error.Code, e.Error.Type = p.Text, p.Code, openAIType(p)
	if p.Param != "" {
		e.Error.Param = &p.Param
	}
	return protocol.AppendJSON(dst, e)
}

// openAIType returns the type of an error, which is less specific than its code.
func openAIType(p *problem.Problem) string {
	switch {
	case p.Code == problem.CodeQuota:
		return "insufficient_quota"
	case p.Status == 401:
		return "authentication_error"
	case p.Status == 403:
		return "permission_error"
	case p.Status == 404:
		return "not_found_error"
	case p.Status == 429:
		return "rate_limit_error"
	case p.Status < 500:
		return "invalid_request_error"
	}
	return "server_error"
}

func partsOf(resp *model.LLMResponse) []*genai.Part {
	if resp.Content == nil {
		return nil
	}
	return resp.Content.Parts
}

// deltaOf returns parts as a piece of a message. It numbers the calls from first on.
func deltaOf(parts []*genai.Part, first int) openaiwire.ChatDelta {
	var delta openaiwire.ChatDelta
	var text strings.Builder
	var images []openaiwire.ChatPart
	for _, part := range parts {
		switch {
		case part == nil:
		case part.FunctionCall != nil:
			delta.ToolCalls = append(delta.ToolCalls, callOf(part, first+len(delta.ToolCalls)))
		case part.Thought:
			delta.ReasoningContent += part.Text
		case part.InlineData != nil:
			images = append(images, openaiwire.ChatPart{Type: "image_url", ImageURL: &openaiwire.ChatImage{
				URL: "data:" + part.InlineData.MIMEType + ";base64," + base64.StdEncoding.EncodeToString(part.InlineData.Data),
			}})
		default:
			text.WriteString(part.Text)
		}
	}
	if text.Len() > 0 {
		content := text.String()
		delta.Content = &content
	}
	if images != nil {
		delta.Images = openaiwire.AppendParts(nil, images)
	}
	return delta
}

// callOf returns a function call. Its thought signature is in the same field as in Google's own
// endpoint for this protocol.
func callOf(part *genai.Part, index int) openaiwire.ChatCallDelta {
	args, err := json.Marshal(part.FunctionCall.Args)
	if err != nil || part.FunctionCall.Args == nil {
		args = []byte("{}")
	}
	id := part.FunctionCall.ID
	if id == "" {
		id = "call_" + rand.Text()
	}
	one := openaiwire.ChatCallDelta{Index: index, ID: id, Type: "function", Function: openaiwire.ChatFunction{Name: part.FunctionCall.Name, Arguments: string(args)}}
	if len(part.ThoughtSignature) > 0 {
		var extra extraContent
		extra.Google.ThoughtSignature = base64.StdEncoding.EncodeToString(part.ThoughtSignature)
		one.ExtraContent = protocol.AppendJSON(nil, extra)
	}
	return one
}

// chatFinish returns why an answer ended.
func chatFinish(resp *model.LLMResponse) string {
	switch {
	case resp.FinishReason == genai.FinishReasonMaxTokens:
		return "length"
	case protocol.Filtered(resp):
		return "content_filter"
	}
	for _, part := range partsOf(resp) {
		if part != nil && part.FunctionCall != nil {
			return "tool_calls"
		}
	}
	return "stop"
}

// refusalOf returns the text with which a model refuses to answer, "" for none.
func refusalOf(resp *model.LLMResponse) string {
	if !protocol.Filtered(resp) {
		return ""
	}
	for _, part := range partsOf(resp) {
		if isText(part) {
			return "" // it was stopped within its answer
		}
	}
	return resp.ErrorMessage
}

// chatUsage returns the tokens of an answer; nil if they are not known.
func chatUsage(u *genai.GenerateContentResponseUsageMetadata) *openaiwire.ChatUsage {
	if u == nil {
		return nil
	}
	usage := &openaiwire.ChatUsage{
		PromptTokens: int64(u.PromptTokenCount) + int64(u.ToolUsePromptTokenCount), CompletionTokens: int64(u.CandidatesTokenCount) + int64(u.ThoughtsTokenCount),
		CachedTokens: int64(u.CachedContentTokenCount), ReasoningTokens: int64(u.ThoughtsTokenCount),
	}
	usage.TotalTokens = usage.PromptTokens + usage.CompletionTokens
	return usage
}

// chatLogprobs returns the probabilities of an answer's tokens, nil for none.
func chatLogprobs(result *genai.LogprobsResult) *openaiwire.ChatLogprobs {
	if result == nil || len(result.ChosenCandidates) == 0 {
		return nil
	}
	one := func(c *genai.LogprobsResultCandidate) openaiwire.Logprob {
		return openaiwire.Logprob{Token: c.Token, Logprob: float64(c.LogProbability)}
	}
	list := make([]openaiwire.Logprob, 0, len(result.ChosenCandidates))
	for i, chosen := range result.ChosenCandidates {
		if chosen == nil {
			continue
		}
		token := one(chosen)
		if i < len(result.TopCandidates) && result.TopCandidates[i] != nil {
			for _, top := range result.TopCandidates[i].Candidates {
				if top != nil {
					token.TopLogprobs = append(token.TopLogprobs, one(top))
				}
			}
		}
		list = append(list, token)
	}
	return &openaiwire.ChatLogprobs{Content: list}
}

func appendEvent(dst []byte, v any) []byte {
	return sse.AppendEvent(dst, "", protocol.AppendJSON(nil, v))
}
