package chat

import (
	"fmt"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
)

// answer gathers an answer from its chunks. A whole answer is one chunk.
// Only the first choice counts.
type answer struct {
	m       *Model
	names   api.Names
	dialect *dialect
	whole   bool // the answer did not come as a stream

	model          string
	text, thoughts strings.Builder
	refusal        strings.Builder
	details        details // the thoughts as OpenRouter wants them back
	calls          calls
	parts          []*genai.Part // images
	citations      []*genai.Citation
	finish, native string
	usage          openaiwire.ChatUsage
	logprobs       []openaiwire.Logprob
	streamed       bool // text or thoughts have come as deltas
}

// shown is what a chunk adds to what can be shown.
type shown struct{ thought, text string }

func (s shown) isEmpty() bool { return s == shown{} }

// response returns a partial response.
func (s shown) response(version string) *model.LLMResponse {
	// One allocation: there is one for each token.
	var memory struct {
		response model.LLMResponse
		content  genai.Content
		parts    [2]*genai.Part
		part     genai.Part
	}
	m := &memory
	m.response = model.LLMResponse{Content: &m.content, ModelVersion: version, Partial: true}
	m.content = genai.Content{Role: genai.RoleModel, Parts: m.parts[:0]}
	if s.thought != "" {
		m.content.Parts = append(m.content.Parts, &m.part)
		m.part = genai.Part{Text: s.thought, Thought: true}
		if s.text != "" {
			m.content.Parts = append(m.content.Parts, &genai.Part{Text: s.text})
		}
		return &m.response
	}
	m.part.Text = s.text
	m.content.Parts = append(m.content.Parts, &m.part)
	return &m.response
}

// add takes a chunk in and returns what can be shown of it.
func (a *answer) add(c *openaiwire.ChatAnswer) shown {
	if c.Model != "" {
		a.model = c.Model
	}
	if c.Usage != nil {
		a.usage = *c.Usage
	}
	var all shown
	for i := range c.Choices {
		choice := &c.Choices[i]
		if choice.Index != 0 {
			continue
		}
		if choice.FinishReason != nil {
			a.finish = *choice.FinishReason
		}
		if choice.NativeFinishReason != "" {
			a.native = choice.NativeFinishReason
		}
		if choice.Logprobs != nil {
			a.logprobs = append(a.logprobs, choice.Logprobs.Content...)
		}
		if choice.Delta == nil && a.streamed {
			continue // the whole message again, behind its pieces
		}
		if part := choice.Part(); part != nil {
			a.streamed = a.streamed || choice.Delta != nil
			delta := a.addPart(part)
			all.thought, all.text = all.thought+delta.thought, all.text+delta.text
		}
	}
	return all
}

func (a *answer) addPart(part *openaiwire.ChatDelta) shown {
	var delta shown
	if part.Content != nil {
		delta.text = *part.Content
		a.text.WriteString(delta.text)
	}
	// The same thoughts may stand in several fields.
	switch {
	case part.ReasoningContent != "":
		delta.thought = part.ReasoningContent
	case part.Reasoning != "":
		delta.thought = part.Reasoning
	case part.ReasoningDetails != nil:
		delta.thought = detailsText(part.ReasoningDetails)
	}
	delta.thought += part.Thinking
	a.thoughts.WriteString(delta.thought)
	if part.ReasoningDetails != nil {
		a.details.add(part.ReasoningDetails)
	}
	a.refusal.WriteString(part.Refusal)
	for i := range part.ToolCalls {
		a.calls.add(&part.ToolCalls[i])
	}
	if part.Annotations != nil {
		a.citations = append(a.citations, citations(part.Annotations)...)
	}
	if part.Images != nil {
		a.parts = append(a.parts, images(part.Images)...)
	}
	return delta
}

func (a *answer) isEmpty() bool {
	return a.text.Len() == 0 && a.thoughts.Len() == 0 && a.refusal.Len() == 0 && len(a.calls.list) == 0 && len(a.parts) == 0
}

// vendor is whose the thoughts are that m's answers hold; see [request.Seal].
func (m *Model) vendor() string { return "chat:" + m.target.Endpoint }

// final returns the final response, or the error that the answer ended in.
func (a *answer) final() (*model.LLMResponse, error) {
	reason, err := a.reason()
	if err != nil {
		return nil, err
	}
	content := &genai.Content{Role: genai.RoleModel}
	response := &model.LLMResponse{Content: content, ModelVersion: a.model, TurnComplete: true, UsageMetadata: a.usageMetadata()}
	if a.thoughts.Len() > 0 || len(a.details.list) > 0 {
		content.Parts = append(content.Parts, &genai.Part{
			Text: a.thoughts.String(), Thought: true, ThoughtSignature: request.Seal(a.m.vendor(), a.details.json()),
		})
	}
	if a.text.Len() > 0 {
		content.Parts = append(content.Parts, &genai.Part{Text: a.text.String()})
	}
	content.Parts = append(content.Parts, a.parts...)
	calls, malformed := a.calls.parts(a.m.vendor(), a.names, reason == genai.FinishReasonMaxTokens)
	content.Parts = append(content.Parts, calls...)
	message := ""
	switch {
	case a.refusal.Len() > 0:
		reason, message = genai.FinishReasonSafety, a.refusal.String()
	case malformed != "" && reason != genai.FinishReasonMaxTokens:
		reason, message = genai.FinishReasonMalformedFunctionCall, malformed
	case reason == genai.FinishReasonStop || reason == genai.FinishReasonMaxTokens:
	default:
		message = fmt.Sprintf("the server ended the answer with finish reason %q", a.finish)
	}
	response.FinishReason = reason
	if message != "" {
		response.ErrorCode, response.ErrorMessage = string(reason), message
	}
	if len(a.citations) > 0 {
		response.CitationMetadata = &genai.CitationMetadata{Citations: a.citations}
	}
	response.LogprobsResult, response.AvgLogprobs = api.Logprobs(a.logprobs)
	return response, nil
}

// reason returns why the answer ended, in genai's words. The same words come in
// different cases and with different marks.
func (a *answer) reason() (genai.FinishReason, error) {
	reason, ok := finishReasons[plainWord(a.finish)]
	if !ok {
		reason = genai.FinishReasonOther
	}
	// A gateway may call an end good that the model behind it did not.
	if native := finishReasons[plainWord(a.native)]; reason == genai.FinishReasonStop && native != "" && native != genai.FinishReasonMaxTokens {
		reason = native
	}
	switch reason {
	case finishFailed:
		return "", a.m.server.Error(nil, []byte(`{"error":{"type":"server_error","message":"the server ended the answer with finish reason error"}}`))
	case finishBusy:
		return "", a.m.server.Error(nil, []byte(`{"error":{"type":"overloaded_error","message":"the server ran out of resources within the answer"}}`))
	case finishAborted:
		return "", fmt.Errorf("openai: the server aborted the answer: %w", failure.ErrTruncated)
	}
	return reason, nil
}

func plainWord(s string) string {
	if s == "stop" || s == "" {
		return s
	}
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// Ends that are no answers.
const (
	finishFailed  genai.FinishReason = "failed"
	finishBusy    genai.FinishReason = "busy"
	finishAborted genai.FinishReason = "aborted"
)

// finishReasons are the words that servers use, and those of the models behind
// gateways, in the form of plainWord.
var finishReasons = map[string]genai.FinishReason{
	// OpenAI. "" is a stream that ended with [DONE] alone.
	"": genai.FinishReasonStop, "stop": genai.FinishReasonStop, "toolcalls": genai.FinishReasonStop, "functioncall": genai.FinishReasonStop,
	"length": genai.FinishReasonMaxTokens, "contentfilter": genai.FinishReasonSafety,
	// Anthropic, behind gateways.
	"endturn": genai.FinishReasonStop, "stopsequence": genai.FinishReasonStop, "tooluse": genai.FinishReasonStop, "toolcall": genai.FinishReasonStop,
	"pauseturn": genai.FinishReasonStop, "maxtokens": genai.FinishReasonMaxTokens, "refusal": genai.FinishReasonSafety,
	// Gemini, behind gateways.
	"maxoutputtokens": genai.FinishReasonMaxTokens, "safety": genai.FinishReasonSafety, "recitation": genai.FinishReasonRecitation,
	"language": genai.FinishReasonLanguage, "blocklist": genai.FinishReasonBlocklist, "prohibitedcontent": genai.FinishReasonProhibitedContent,
	"spii": genai.FinishReasonSPII, "malformedfunctioncall": genai.FinishReasonMalformedFunctionCall,
	"unexpectedtoolcall": genai.FinishReasonUnexpectedToolCall, "toomanytoolcalls": genai.FinishReasonTooManyToolCalls,
	// Cohere, Hugging Face, Together, Mistral, DeepSeek, SGLang, Zhipu.
	"complete": genai.FinishReasonStop, "completed": genai.FinishReasonStop, "eos": genai.FinishReasonStop, "eostoken": genai.FinishReasonStop,
	"modellength": genai.FinishReasonMaxTokens, "error": finishFailed, "errortoxic": genai.FinishReasonSafety, "sensitive": genai.FinishReasonSafety,
	"contentfiltered": genai.FinishReasonSafety, "insufficientsystemresource": finishBusy, "networkerror": finishFailed, "failed": finishFailed,
	"abort": finishAborted, "aborted": finishAborted, "cancelled": finishAborted, "canceled": finishAborted, "incomplete": finishAborted,
}
