package gemini

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// answer puts an answer together from its pieces. The zero value is an empty one.
type answer struct {
	names names

	parts     []*genai.Part
	text      strings.Builder // what has not become a part yet
	thought   bool            // text is a thought
	call      *streamedCall   // what has begun and not ended
	malformed bool            // a call cannot be used

	finish  string // the reason in the API's words; "" for none
	message string
	token   []byte // to continue with
	blocked *genai.GenerateContentResponsePromptFeedback

	version   string
	usage     *genai.GenerateContentResponseUsageMetadata // counts without details
	details   []byte                                      // usage as it is written; empty if it has counts only
	before    *genai.GenerateContentResponseUsageMetadata // of requests that this answer continues
	grounding *genai.GroundingMetadata
	citations []*genai.Citation
	logprobs  *genai.LogprobsResult
	average   float64
}

// addLogprobs adds those of a piece.
func (a *answer) addLogprobs(more *genai.LogprobsResult) {
	if a.logprobs == nil {
		a.logprobs = &genai.LogprobsResult{}
	}
	a.logprobs.ChosenCandidates = append(a.logprobs.ChosenCandidates, more.ChosenCandidates...)
	a.logprobs.TopCandidates = append(a.logprobs.TopCandidates, more.TopCandidates...)
}

// cite adds citations. A stream may send each with its piece, or all again.
func (a *answer) cite(more []*genai.Citation) {
	for _, citation := range more {
		if citation != nil && !slices.ContainsFunc(a.citations, func(known *genai.Citation) bool { return *known == *citation }) {
			a.citations = append(a.citations, citation)
		}
	}
}

// addPart takes a part in. Texts of the same kind become one part, but a signature
// stays with the part that it came with.
func (a *answer) addPart(p *part) {
	switch {
	case p.FunctionCall != nil:
		a.addCall(p)
	case isPlainText(&p.Part):
		a.addText(p.Text, p.Thought)
	default:
		a.flush()
		own := p.Part
		a.parts = append(a.parts, &own)
	}
}

func (a *answer) addText(text string, thought bool) {
	if text == "" {
		return
	}
	if thought != a.thought {
		a.flush()
	}
	a.thought = thought
	a.text.WriteString(text)
}

// isPlainText tells whether p has nothing but text, not even a signature.
func isPlainText(p *genai.Part) bool {
	return len(p.ThoughtSignature) == 0 && p.InlineData == nil && p.FileData == nil && p.ExecutableCode == nil && p.CodeExecutionResult == nil &&
		p.FunctionResponse == nil && p.ToolCall == nil && p.ToolResponse == nil && p.PartMetadata == nil && p.VideoMetadata == nil &&
		p.AudioTranscription == nil && p.SpeechMetadata == nil && p.MediaResolution == nil
}

// flush makes a part of the text so far.
func (a *answer) flush() {
	if a.text.Len() > 0 {
		a.parts = append(a.parts, &genai.Part{Text: a.text.String(), Thought: a.thought})
		a.text.Reset()
	}
}

// addCall takes in a call, or a piece of one.
func (a *answer) addCall(p *part) {
	call := p.FunctionCall
	if a.call != nil && a.call.isOther(call) {
		a.endCall()
	}
	if a.call == nil {
		if call.Name == "" && call.Args == nil && len(call.PartialArgs) == 0 {
			return // the end mark of a call that has ended
		}
		a.flush()
		a.call = &streamedCall{part: p.Part, id: call.ID, name: call.Name}
	}
	a.malformed = !a.call.add(p) || a.malformed
	if !call.WillContinue {
		a.endCall()
	}
}

// endCall makes a part of the call that has begun.
func (a *answer) endCall() {
	call := a.call
	if a.call = nil; call == nil {
		return
	}
	args, ok := call.args()
	if !ok || call.name == "" {
		a.malformed = true
		return
	}
	call.part.FunctionCall = &genai.FunctionCall{ID: call.id, Name: a.names.Original(call.name), Args: args}
	a.parts = append(a.parts, &call.part)
}

// continuation returns what a further request needs to continue the answer; nil if
// it has ended.
func (a *answer) continuation() []byte {
	if a.finish != string(genai.FinishReasonContinuation) {
		return nil
	}
	return a.token
}

// goOn prepares for the answer of a further request.
func (a *answer) goOn() {
	a.finish, a.message, a.token = "", "", nil
	a.before, a.usage = a.total(), nil
	a.details = nil
}

// total returns the usage of all requests so far; nil if none was reported.
func (a *answer) total() *genai.GenerateContentResponseUsageMetadata {
	if a.before == nil || a.usage == nil {
		if a.usage == nil {
			return a.before
		}
		return a.usage
	}
	sum := *a.usage
	sum.PromptTokenCount += a.before.PromptTokenCount
	sum.CachedContentTokenCount += a.before.CachedContentTokenCount
	sum.CandidatesTokenCount += a.before.CandidatesTokenCount
	sum.ThoughtsTokenCount += a.before.ThoughtsTokenCount
	sum.ToolUsePromptTokenCount += a.before.ToolUsePromptTokenCount
	sum.TotalTokenCount += a.before.TotalTokenCount
	return &sum
}

// final returns the whole answer, or why there is none.
func (a *answer) final() (*model.LLMResponse, error) {
	reason := a.settle()
	if len(a.details) > 0 && json.Unmarshal(a.details, a.usage) != nil {
		a.details = nil // the counts have been read
	}
	resp := &model.LLMResponse{
		ModelVersion: a.version, UsageMetadata: a.total(), GroundingMetadata: a.grounding,
		LogprobsResult: a.logprobs, AvgLogprobs: a.averageLogprobs(), TurnComplete: true,
	}
	if len(a.citations) > 0 {
		resp.CitationMetadata = &genai.CitationMetadata{Citations: a.citations}
	}
	switch {
	case reason != "":
		resp.FinishReason, resp.ErrorCode, resp.ErrorMessage = ending(reason, a.message, len(a.parts) > 0)
	case a.blocked != nil:
		resp.FinishReason, resp.ErrorCode = promptReason(string(a.blocked.BlockReason)), string(a.blocked.BlockReason)
		resp.ErrorMessage = a.blocked.BlockReasonMessage
	case len(a.parts) > 0:
		return nil, fmt.Errorf("gemini: %w", failure.ErrTruncated)
	default:
		return nil, fmt.Errorf("gemini: %w", failure.ErrEmpty)
	}
	if len(a.parts) > 0 || resp.ErrorCode == "" {
		resp.Content = &genai.Content{Role: genai.RoleModel, Parts: a.parts}
	}
	return resp, nil
}

// settle closes open parts and returns the reason why the answer ended. A call
// that was cut off is dropped. If one call is malformed, no call is passed on.
func (a *answer) settle() string {
	a.flush()
	reason := a.finish
	switch {
	case a.call != nil && (reason == string(genai.FinishReasonStop) || reason == ""):
		a.endCall()
	case a.call != nil:
		a.call = nil
	}
	if a.malformed && reason == string(genai.FinishReasonStop) {
		reason, a.message = string(genai.FinishReasonMalformedFunctionCall), "the arguments of a function call are no JSON object"
	}
	if reason == string(genai.FinishReasonMalformedFunctionCall) {
		a.parts = slices.DeleteFunc(a.parts, isCall)
	}
	return reason
}

// averageLogprobs returns the mean over the whole answer.
func (a *answer) averageLogprobs() float64 {
	if a.logprobs == nil || len(a.logprobs.ChosenCandidates) == 0 {
		return a.average
	}
	sum, n := 0.0, 0
	for _, chosen := range a.logprobs.ChosenCandidates {
		if chosen != nil {
			sum, n = sum+float64(chosen.LogProbability), n+1
		}
	}
	return sum / float64(max(n, 1))
}

// streamedCall is a call whose arguments come whole or in pieces.
type streamedCall struct {
	part     genai.Part // for its signature
	id, name string
	whole    json.RawMessage
	pieces   arguments
}

// isOther tells whether call begins another one than c.
func (c *streamedCall) isOther(call *functionCall) bool {
	return call.Name != "" && call.Name != c.name || call.ID != "" && c.id != "" && call.ID != c.id
}

// add takes in a piece. It reports false for one that cannot be used.
func (c *streamedCall) add(p *part) bool {
	call := p.FunctionCall
	if c.id == "" {
		c.id = call.ID
	}
	if len(c.part.ThoughtSignature) == 0 {
		c.part.ThoughtSignature = p.ThoughtSignature
	}
	if len(call.Args) > 0 {
		c.whole = call.Args
	}
	for i := range call.PartialArgs {
		if !c.pieces.add(&call.PartialArgs[i]) {
			return false
		}
	}
	return true
}

// args returns the arguments. No arguments are an empty object.
func (c *streamedCall) args() (map[string]any, bool) {
	if c.whole == nil || string(c.whole) == "null" || string(c.whole) == `""` {
		return c.pieces.object()
	}
	args, err := plainjson.Object(c.whole)
	if err != nil {
		return nil, false
	}
	pieces, ok := c.pieces.object()
	for name, value := range pieces {
		args[name] = value
	}
	return args, ok
}
