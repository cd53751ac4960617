package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// maxAnswer bounds an answer, in bytes: one unary body, or the content of a
// stream.
const maxAnswer = 16 << 20

var errTooLong = fmt.Errorf("anthropic: the answer is longer than %d MiB: %w", maxAnswer>>20, failure.ErrTruncated)

// collector puts an answer together, from a unary body or from events.
type collector struct {
	names  names
	model  string
	stop   string
	detail *stopDetails
	blocks []*collected
	size   int // bytes of content

	used  usage
	usage *genai.GenerateContentResponseUsageMetadata // of used; replaced, never changed, since responses have it
}

// collected is a content block as far as it was received.
type collected struct {
	kind      string
	index     int
	text      strings.Builder // of text and thinking; the input of a tool
	signature string          // or the data of redacted thinking
	id, name  string
	input     string // as the block began
	citations []citation
}

// begin adds a block.
func (c *collector) begin(index int, from *answerBlock) *collected {
	b := &collected{kind: from.Type, index: index, id: from.ID, name: from.Name, signature: from.Signature, citations: from.Citations}
	switch from.Type {
	case "text":
		b.text.WriteString(from.Text)
	case kindThinking:
		b.text.WriteString(from.Thinking)
	case kindRedacted:
		b.signature = from.Data
	case "tool_use":
		if len(from.Input) > 0 && string(from.Input) != "null" {
			b.input = string(from.Input)
		}
	}
	c.size += len(from.Text) + len(from.Thinking) + len(from.Signature) + len(from.Data) + len(from.Input)
	c.blocks = append(c.blocks, b)
	return b
}

// note takes the parts of a message that come at its beginning in a stream.
func (c *collector) note(m *answer) {
	if m.Model != "" {
		c.model = m.Model
	}
	c.ended(m.StopReason, m.StopDetails)
	c.count(m.Usage)
}

func (c *collector) ended(reason string, detail *stopDetails) {
	if reason != "" {
		c.stop = reason
	}
	if detail != nil {
		c.detail = detail
	}
}

// count adds cumulative usage. A count that is missing, or zero after a larger
// one, keeps its earlier value.
func (c *collector) count(u *usage) {
	if u == nil || *u == (usage{}) {
		return
	}
	if more(u.Input) || more(u.CacheCreation) || more(u.CacheRead) {
		replace(&c.used.Input, u.Input)
		replace(&c.used.CacheCreation, u.CacheCreation)
		replace(&c.used.CacheRead, u.CacheRead)
	} else if c.used.Input == nil {
		c.used.Input = u.Input
	}
	if more(u.Output) || c.used.Output == nil {
		replace(&c.used.Output, u.Output)
	}
	if u.Details != nil {
		c.used.Details = u.Details
	}
	prompt := value(c.used.Input) + value(c.used.CacheCreation) + value(c.used.CacheRead)
	output, thoughts := value(c.used.Output), int32(0)
	if c.used.Details != nil {
		thoughts = min(max(c.used.Details.Thinking, 0), output)
	}
	c.usage = &genai.GenerateContentResponseUsageMetadata{
		PromptTokenCount:        prompt, // input_tokens are only those behind the last cache breakpoint
		CachedContentTokenCount: value(c.used.CacheRead),
		CandidatesTokenCount:    output - thoughts,
		ThoughtsTokenCount:      thoughts,
		TotalTokenCount:         prompt + output,
	}
}

func more(n *int32) bool { return n != nil && *n > 0 }

func value(n *int32) int32 {
	if n == nil {
		return 0
	}
	return max(*n, 0)
}

func replace(n **int32, by *int32) {
	if by != nil {
		*n = by
	}
}

func (c *collector) isEmpty() bool { return len(c.blocks) == 0 && c.model == "" && c.usage == nil }

// finish returns the final response, or an error if the answer is not usable.
func (c *collector) finish() (*model.LLMResponse, error) {
	if c.stop == "" {
		if c.isEmpty() {
			return nil, fmt.Errorf("anthropic: the server sent no answer: %w", failure.ErrEmpty)
		}
		return nil, fmt.Errorf("anthropic: the answer has no stop reason: %w", failure.ErrTruncated)
	}
	resp := &model.LLMResponse{
		Content:       &genai.Content{Role: genai.RoleModel},
		FinishReason:  finishReason(c.stop),
		UsageMetadata: c.usage,
		ModelVersion:  c.model,
		TurnComplete:  true,
	}
	switch resp.FinishReason {
	case genai.FinishReasonSafety:
		c.refused(resp)
	case genai.FinishReasonOther:
		resp.ErrorCode, resp.ErrorMessage = string(genai.FinishReasonOther), "the model stopped with "+cut(c.stop, maxErrorText)
	}
	c.content(resp)
	return resp, nil
}

// finishReason maps a stop reason. A tool call ends with STOP in Gemini's terms.
// pause_turn is for tools that the provider runs, which are not asked for here:
// such an answer is not whole.
func finishReason(stop string) genai.FinishReason {
	switch stop {
	case "end_turn", "tool_use", "stop_sequence", "compaction":
		return genai.FinishReasonStop
	case "max_tokens", "model_context_window_exceeded":
		return genai.FinishReasonMaxTokens
	case "refusal":
		return genai.FinishReasonSafety
	}
	return genai.FinishReasonOther
}

// RecommendedModelKey is a key in the metadata of a refused answer. Its value is
// the model that the API recommends instead, if it named one.
const RecommendedModelKey = "recommended_model"

func (c *collector) refused(resp *model.LLMResponse) {
	resp.ErrorCode, resp.ErrorMessage = string(genai.FinishReasonSafety), "the model refused to answer"
	if c.detail == nil {
		return
	}
	switch {
	case c.detail.Explanation != "":
		resp.ErrorMessage = c.detail.Explanation
	case c.detail.Category != "":
		resp.ErrorMessage += ": " + c.detail.Category
	}
	if c.detail.RecommendedModel != "" {
		resp.CustomMetadata = map[string]any{RecommendedModelKey: c.detail.RecommendedModel}
	}
}

// content sets the parts of the answer. A refused answer keeps only its thoughts:
// the API says to discard its text.
func (c *collector) content(resp *model.LLMResponse) {
	refused := resp.FinishReason == genai.FinishReasonSafety
	offset := 0
	for i, b := range c.blocks {
		part := &genai.Part{}
		switch b.kind {
		case "text":
			if part.Text = b.text.String(); part.Text == "" || refused {
				continue
			}
			cite(resp, b.citations, offset, len(part.Text))
			offset += len(part.Text)
		case kindThinking, kindRedacted:
			part.Text, part.Thought, part.ThoughtSignature = b.text.String(), true, seal(b.kind, b.signature)
			if part.Text == "" && b.signature == "" {
				continue
			}
		case "tool_use":
			// The limit may have cut the last call before its first argument: {} would run.
			cut := resp.FinishReason == genai.FinishReasonMaxTokens && i == len(c.blocks)-1
			call, ok := c.call(b, resp)
			if !ok || refused || cut && len(call.Args) == 0 && b.text.Len() == 0 {
				continue
			}
			part.FunctionCall = call
		default: // tools that the provider runs, and what is to come
			continue
		}
		resp.Content.Parts = append(resp.Content.Parts, part)
	}
}

// call returns the function call of a block. Input that is no JSON object is
// never passed on: it was cut by the token limit, or the answer is malformed.
func (c *collector) call(b *collected, resp *model.LLMResponse) (*genai.FunctionCall, bool) {
	input := b.text.String()
	if strings.TrimSpace(input) == "" {
		input = b.input
	}
	args := map[string]any{}
	if strings.TrimSpace(input) != "" {
		var ok bool
		if args, ok = object(input); !ok {
			if resp.FinishReason == genai.FinishReasonStop {
				resp.FinishReason = genai.FinishReasonMalformedFunctionCall
				resp.ErrorCode = string(resp.FinishReason)
				resp.ErrorMessage = "the input of the tool " + cut(c.names.Original(b.name), maxErrorText) + " is no JSON object"
			}
			return nil, false
		}
	}
	name := c.names.Original(b.name)
	return &genai.FunctionCall{ID: b.id, Name: name, Args: c.names.originalArguments(name, args)}, true
}

// cite adds the sources of a block's text, which stands at offset in the text of
// the answer.
func cite(resp *model.LLMResponse, citations []citation, offset, length int) {
	for _, from := range citations {
		to := &genai.Citation{StartIndex: int32(offset), EndIndex: int32(offset + length), URI: from.URL, Title: from.Title}
		if to.URI == "" {
			to.URI = from.Source
		}
		if to.Title == "" {
			to.Title = from.DocumentTitle
		}
		if resp.CitationMetadata == nil {
			resp.CitationMetadata = &genai.CitationMetadata{}
		}
		resp.CitationMetadata.Citations = append(resp.CitationMetadata.Citations, to)
	}
}

// unary puts the answer together that data holds. It reports false for data that
// is an error, or anything else but a message.
func (c *collector) unary(data []byte) (ok bool, err error) {
	var whole struct {
		answer
		Error json.RawMessage `json:"error"`
	}
	if err := lenient(data, &whole); err != nil {
		return true, fmt.Errorf("anthropic: the answer is no JSON (%v): %w", err, failure.ErrTruncated)
	}
	if whole.Type == "error" || len(whole.Error) > 0 && string(whole.Error) != "null" {
		return false, nil
	}
	if whole.Type != "message" && whole.StopReason == "" && whole.Content == nil {
		return false, nil
	}
	c.note(&whole.answer)
	for i := range whole.Content {
		c.begin(i, &whole.Content[i])
	}
	return true, nil
}

// lenient decodes data into v. A field that has another type than it should is
// left alone: blocks of types that are not known here share names of fields.
func lenient(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if mistyped := (*json.UnmarshalTypeError)(nil); errors.As(err, &mistyped) {
		return nil
	}
	return err
}

// object decodes s if it is one JSON object.
func object(s string) (m map[string]any, ok bool) {
	m, err := plainjson.Object([]byte(s))
	return m, err == nil && m != nil
}
