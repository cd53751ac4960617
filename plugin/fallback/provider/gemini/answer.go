package gemini

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

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
	usage     *genai.GenerateContentResponseUsageMetadata
	before    *genai.GenerateContentResponseUsageMetadata // of requests that this answer continues
	grounding *genai.GroundingMetadata
	citations []*genai.Citation
	logprobs  *genai.LogprobsResult
	average   float64
}

// add takes a piece in. If show is set, it returns the piece's text and thoughts
// as a partial response, or nil if it has none.
func (a *answer) add(c *chunk, show bool) *model.LLMResponse {
	if c.ModelVersion != "" {
		a.version = c.ModelVersion
	}
	if u := c.UsageMetadata; u != nil && (u.TotalTokenCount > 0 || u.PromptTokenCount > 0 || u.CandidatesTokenCount > 0) {
		a.usage = u // it counts from the beginning
	}
	if c.PromptFeedback != nil && c.PromptFeedback.BlockReason != "" {
		a.blocked = c.PromptFeedback
	}
	i := slices.IndexFunc(c.Candidates, func(one *candidate) bool { return one != nil && one.Index == 0 })
	if i < 0 {
		return nil
	}
	one := c.Candidates[i]
	a.addMetadata(one)
	if one.Content == nil {
		return nil
	}
	var shown []*genai.Part
	for _, p := range one.Content.Parts {
		if p == nil {
			continue
		}
		a.addPart(p)
		if show && p.Text != "" && p.FunctionCall == nil {
			shown = append(shown, &genai.Part{Text: p.Text, Thought: p.Thought})
		}
	}
	if shown == nil {
		return nil
	}
	return &model.LLMResponse{
		Partial: true, Content: &genai.Content{Role: genai.RoleModel, Parts: shown}, ModelVersion: a.version, UsageMetadata: a.total(),
	}
}

func (a *answer) addMetadata(c *candidate) {
	if c.FinishReason != "" && c.FinishReason != string(genai.FinishReasonUnspecified) {
		a.finish, a.message = c.FinishReason, c.FinishMessage
	}
	if len(c.ContinuationToken) > 0 {
		a.token = c.ContinuationToken
	}
	if c.GroundingMetadata != nil {
		a.grounding = c.GroundingMetadata
	}
	if c.CitationMetadata != nil {
		a.cite(c.CitationMetadata.Citations)
		a.cite(c.CitationMetadata.CitationSources)
	}
	if c.AvgLogprobs != 0 {
		a.average = c.AvgLogprobs
	}
	if c.LogprobsResult != nil {
		if a.logprobs == nil {
			a.logprobs = &genai.LogprobsResult{}
		}
		a.logprobs.ChosenCandidates = append(a.logprobs.ChosenCandidates, c.LogprobsResult.ChosenCandidates...)
		a.logprobs.TopCandidates = append(a.logprobs.TopCandidates, c.LogprobsResult.TopCandidates...)
	}
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
		if p.Text == "" {
			return
		}
		if p.Thought != a.thought {
			a.flush()
		}
		a.thought = p.Thought
		a.text.WriteString(p.Text)
	default:
		a.flush()
		own := p.Part
		a.parts = append(a.parts, &own)
	}
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
	call.part.FunctionCall = &genai.FunctionCall{ID: call.id, Name: a.names.original(call.name), Args: args}
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
}

// total returns the usage of all requests so far; nil if none was told.
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
		resp.FinishReason, resp.ErrorCode = blockReason(string(a.blocked.BlockReason)), string(a.blocked.BlockReason)
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

// settle ends what is open and returns the reason why the answer ended. A call
// that was cut off is left out, and no call is passed on beside a malformed one.
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
	var args map[string]any
	if json.Unmarshal(c.whole, &args) != nil {
		return nil, false
	}
	pieces, ok := c.pieces.object()
	for name, value := range pieces {
		args[name] = value
	}
	return args, ok
}
