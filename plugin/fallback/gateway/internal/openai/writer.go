package openai

import (
	"crypto/rand"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/sse"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/problem"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/gateway/internal/protocol"
)

// Writer writes the answer to a request for a chat completion. It implements protocol.Writer.
type Writer struct {
	Errors
	includeUsage bool
	id           string
	created      int64
	model        string // that answers; "" while not known
	begun        bool   // the role has been sent
}

// NewWriter returns the writer of the answer to a request.
func NewWriter(c *Request) *Writer {
	return &Writer{includeUsage: c.includeUsage, id: "chatcmpl-" + rand.Text(), created: time.Now().Unix(), model: c.Named}
}

func (w *Writer) ContentType(streamed bool) string {
	if streamed {
		return "text/event-stream; charset=utf-8"
	}
	return "application/json"
}

// document is a whole answer or a chunk of one. Fallback is the gateway's extension: the
// metadata of the call.
type document struct {
	openaiwire.ChatAnswer
	Choices  any            `json:"choices"`
	Fallback map[string]any `json:"fallback,omitempty"`
}

// choice is the choice of a whole answer.
type choice struct {
	Index        int                      `json:"index"`
	Message      message                  `json:"message"`
	Logprobs     *openaiwire.ChatLogprobs `json:"logprobs"`
	FinishReason string                   `json:"finish_reason"`
}

// message is the message of a whole answer, in which text and refusal are null if there
// are none.
type message struct {
	openaiwire.ChatDelta
	Content   *string    `json:"content"`
	Refusal   *string    `json:"refusal"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

// toolCall is a whole call, which has no index.
type toolCall struct {
	openaiwire.ChatCallDelta
	Index *int `json:"index,omitempty"` // always nil
}

// document returns a document without choices.
func (w *Writer) document(object string, resp *model.LLMResponse) document {
	if resp != nil {
		if md, _ := call.ReadResponse(resp); md.ModelName != "" {
			w.model = md.ModelName
		}
	}
	return document{ChatAnswer: openaiwire.ChatAnswer{ID: w.id, Object: object, Created: w.created, Model: w.model}}
}

func (w *Writer) Whole(dst []byte, resp *model.LLMResponse) ([]byte, error) {
	doc := w.document("chat.completion", resp)
	doc.Usage, doc.Fallback = usageOf(resp.UsageMetadata), protocol.Metadata(resp)
	delta, err := deltaOf(partsOf(resp))
	if err != nil {
		return dst, err
	}
	whole := message{ChatDelta: delta, Content: delta.Content}
	whole.Role = "assistant"
	for _, one := range delta.ToolCalls {
		whole.ToolCalls = append(whole.ToolCalls, toolCall{ChatCallDelta: one})
	}
	if refusal := refusalOf(resp); refusal != "" {
		whole.Refusal = &refusal
	}
	doc.Choices = []choice{{Message: whole, Logprobs: logprobsOf(resp.LogprobsResult), FinishReason: finishReason(resp)}}
	return protocol.AppendJSON(dst, doc)
}

func (w *Writer) Chunk(dst []byte, resp *model.LLMResponse, parts []*genai.Part) ([]byte, error) {
	delta, err := deltaOf(parts)
	if err != nil {
		return dst, err
	}
	return appendEvents(dst, append(w.begin(resp), w.delta(resp, delta)))
}

// begin returns the first chunk, which has only the role; none after the first call.
func (w *Writer) begin(resp *model.LLMResponse) []document {
	if w.begun {
		return nil
	}
	w.begun = true
	return []document{w.delta(resp, openaiwire.ChatDelta{Role: "assistant", Content: new(string)})}
}

// delta returns a chunk.
func (w *Writer) delta(resp *model.LLMResponse, delta openaiwire.ChatDelta) document {
	doc := w.document("chat.completion.chunk", resp)
	doc.Choices = []openaiwire.ChatChoice{{Delta: &delta}}
	return doc
}

func (w *Writer) Last(dst []byte, resp *model.LLMResponse, rest []*genai.Part) ([]byte, error) {
	delta, err := deltaOf(rest)
	if err != nil {
		return dst, err
	}
	delta.Refusal = refusalOf(resp)
	chunks, calls := w.begin(resp), delta.ToolCalls
	if delta.ToolCalls = nil; delta.Content != nil || delta.ReasoningContent != "" || delta.Refusal != "" || delta.Images != nil {
		chunks = append(chunks, w.delta(resp, delta))
	}
	for _, one := range calls {
		chunks = append(chunks, w.delta(resp, openaiwire.ChatDelta{ToolCalls: []openaiwire.ChatCallDelta{one}}))
	}
	doc := w.document("chat.completion.chunk", resp)
	finish := finishReason(resp)
	doc.Choices = []openaiwire.ChatChoice{{Delta: &openaiwire.ChatDelta{}, FinishReason: &finish, Logprobs: logprobsOf(resp.LogprobsResult)}}
	doc.Fallback = protocol.Metadata(resp)
	chunks = append(chunks, doc)
	if usage := usageOf(resp.UsageMetadata); w.includeUsage && usage != nil {
		chunks = append(chunks, w.usage(usage))
	}
	if dst, err = appendEvents(dst, chunks); err != nil {
		return dst, err
	}
	return sse.AppendDone(dst), nil
}

// usage returns the chunk that has no choice, only the tokens.
func (w *Writer) usage(usage *openaiwire.ChatUsage) document {
	doc := w.document("chat.completion.chunk", nil)
	doc.Choices, doc.Usage = []openaiwire.ChatChoice{}, usage
	return doc
}

// Broken appends the error. A stream that ends without [DONE] is no answer.
func (w *Writer) Broken(dst []byte, p *problem.Problem) []byte {
	return sse.AppendEvent(dst, "", w.Refusal(nil, p))
}

func appendEvents(dst []byte, chunks []document) ([]byte, error) {
	for _, chunk := range chunks {
		data, err := protocol.AppendJSON(nil, chunk)
		if err != nil {
			return dst, err
		}
		dst = sse.AppendEvent(dst, "", data)
	}
	return dst, nil
}
