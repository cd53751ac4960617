package failure

import (
	"strings"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Expect says what the caller knows of the provider.
type Expect struct {
	// FinishReason: the provider always sends one, so an answer without it was cut. Gemini's own client does not notice.
	FinishReason bool
}

// ClassifyResponse is Classifier{}.ClassifyResponse.
func ClassifyResponse(resp *model.LLMResponse, want Expect) (Verdict, bool) {
	return Classifier{}.ClassifyResponse(resp, want)
}

// ClassifyResponse judges a final response that arrived as a success. It reports false for one that is fine, and for a
// partial one: only the whole answer can be judged. A response that is cut at the model's output limit is an answer.
// [Verdict.Err] makes the verdict an error.
func (c Classifier) ClassifyResponse(resp *model.LLMResponse, want Expect) (Verdict, bool) {
	switch {
	case resp == nil:
		return ErrEmpty.(decider).Verdict(), true
	case resp.Partial && resp.ErrorCode == "":
		return Verdict{}, false
	}
	if v, bad := finishVerdict(string(resp.FinishReason)); bad {
		return v.with(resp), true
	}
	content, thoughts := has(resp.Content)
	// ADK's aggregated stream repeats MAX_TOKENS as an error code although the answer is there.
	if resp.ErrorCode != "" && !(content && isMaxTokens(resp.ErrorCode)) {
		return c.errorCode(resp), true
	}
	switch {
	case !content && resp.FinishReason == genai.FinishReasonMaxTokens:
		return Verdict{Action: Fallback, Kind: KindEmpty, Scope: ScopeRequest, Reason: "the output limit was spent before any answer"}.with(resp), true
	case want.FinishReason && (resp.FinishReason == "" || resp.FinishReason == genai.FinishReasonUnspecified):
		return ErrTruncated.(decider).Verdict(), true
	case !content && thoughts:
		return Verdict{Action: Retry, Kind: KindEmpty, Scope: ScopeModel, Reason: "thoughts only, no answer"}.with(resp), true
	case !content:
		return ErrEmpty.(decider).Verdict(), true
	}
	return Verdict{}, false
}

// errorCode judges a code set on the response itself: a finish or block reason, or a status that a plugin wrote.
func (c Classifier) errorCode(resp *model.LLMResponse) Verdict {
	if v, bad := finishVerdict(resp.ErrorCode); bad {
		return v.with(resp)
	}
	if isMaxTokens(resp.ErrorCode) {
		return Verdict{Action: Fallback, Kind: KindEmpty, Scope: ScopeRequest, Reason: "the output limit was spent before any answer"}.with(resp)
	}
	e := evidence{clock: c}
	code := strings.TrimSpace(resp.ErrorCode)
	e.token(code)
	e.addText(resp.ErrorMessage, 0)
	if strings.ContainsAny(code, " {") { // a status line such as "429 Too Many Requests", or a whole error
		e.addText(code, 0)
	}
	return e.verdict()
}

func isMaxTokens(code string) bool {
	return strings.EqualFold(code, string(genai.FinishReasonMaxTokens))
}

// finishVerdict judges a finish or block reason, in upper or lower case. It returns false for the
// reasons of a whole answer.
func finishVerdict(reason string) (Verdict, bool) {
	switch strings.ToUpper(reason) {
	case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "JAILBREAK", "MODEL_ARMOR",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "CONTENT_FILTER", "REFUSAL": // the last two: OpenAI, Anthropic
		return Verdict{Action: Fail, Kind: KindContent, Scope: ScopeRequest, Reason: "blocked by a content policy"}, true
	case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE":
		return Verdict{Action: Retry, Kind: KindMalformed, Scope: ScopeModel, MaxRetries: 1, Reason: "the model made an unusable function call: one retry"}, true
	case "OTHER", "NO_IMAGE", "IMAGE_OTHER", "BLOCKED_REASON_UNSPECIFIED":
		return Verdict{Action: Retry, Kind: KindMalformed, Scope: ScopeModel, MaxRetries: 1, Reason: "the model stopped for an unnamed reason: one retry"}, true
	case "LANGUAGE", "MISSING_THOUGHT_SIGNATURE":
		return Verdict{Action: Fallback, Kind: KindMalformed, Scope: ScopeRequest, Reason: "the model cannot answer this request"}, true
	}
	return Verdict{}, false
}

// with adds what the response says about itself.
func (v Verdict) with(resp *model.LLMResponse) Verdict {
	v.Code = resp.ErrorCode
	if v.Code == "" {
		v.Code = string(resp.FinishReason)
	}
	v.Message = readable(resp.ErrorMessage)
	return v
}

// has reports whether there is an answer in a content, and whether there are thoughts.
func has(c *genai.Content) (content, thoughts bool) {
	if c == nil {
		return false, false
	}
	for _, p := range c.Parts {
		switch {
		case p == nil:
		case p.Thought:
			thoughts = true
		case p.Text != "", p.FunctionCall != nil, p.FunctionResponse != nil, p.InlineData != nil, p.FileData != nil,
			p.ExecutableCode != nil, p.CodeExecutionResult != nil, p.ToolCall != nil, p.ToolResponse != nil, p.AudioTranscription != nil:
			content = true
		}
	}
	return content, thoughts
}

// IsCode reports whether word is a provider's code or a finish reason that this package knows, in any case.
func IsCode(word string) bool {
	for _, vendor := range []string{cloudflareNumbers, minimaxNumbers} { // whose numbers say more than a status, see [vocabulary]
		if m, ok := lookup(vendor + word); ok && m.kind != "" {
			return true
		}
	}
	for _, spelled := range []string{word, strings.ToUpper(word)} {
		if v, _ := ClassifyResponse(&model.LLMResponse{ErrorCode: spelled}, Expect{}); v.Kind != KindUnknown {
			return true
		}
	}
	return false
}
