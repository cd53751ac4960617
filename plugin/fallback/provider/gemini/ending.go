package gemini

import "google.golang.org/genai"

// The reasons of an answer that can be used.
const (
	reasonStop      = string(genai.FinishReasonStop)
	reasonMaxTokens = string(genai.FinishReasonMaxTokens)
)

// known are the finish reasons that are passed on as they are.
var known = map[string]bool{
	reasonStop: true, reasonMaxTokens: true,
	string(genai.FinishReasonSafety): true, string(genai.FinishReasonRecitation): true, string(genai.FinishReasonLanguage): true,
	string(genai.FinishReasonOther): true, string(genai.FinishReasonBlocklist): true, string(genai.FinishReasonProhibitedContent): true,
	string(genai.FinishReasonSPII): true, string(genai.FinishReasonMalformedFunctionCall): true, string(genai.FinishReasonImageSafety): true,
	string(genai.FinishReasonUnexpectedToolCall): true, string(genai.FinishReasonTooManyToolCalls): true,
	string(genai.FinishReasonImageProhibitedContent): true, string(genai.FinishReasonNoImage): true,
	string(genai.FinishReasonImageRecitation): true, string(genai.FinishReasonImageOther): true,
	// Not in genai, but the API sends them and package failure knows them.
	"MISSING_THOUGHT_SIGNATURE": true, "MALFORMED_RESPONSE": true,
}

// ending returns what a response says of why it ended.
func ending(reason, message string, hasContent bool) (finish genai.FinishReason, code, text string) {
	switch {
	case reason == reasonStop, reason == reasonMaxTokens && hasContent:
		return genai.FinishReason(reason), "", ""
	case reason == string(genai.FinishReasonContinuation): // the answer was not continued
		if hasContent {
			return genai.FinishReasonMaxTokens, "", ""
		}
		return genai.FinishReasonMaxTokens, reasonMaxTokens, message
	case known[reason]:
		return genai.FinishReason(reason), reason, message
	}
	return blockReason(reason), reason, message
}

// blockReason returns the finish reason for the word with which a prompt, or an
// answer, is blocked.
func blockReason(word string) genai.FinishReason {
	switch word {
	case "SAFETY", "JAILBREAK", "MODEL_ARMOR", "CONTENT_FILTER":
		return genai.FinishReasonSafety
	case "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY":
		return genai.FinishReason(word)
	}
	return genai.FinishReasonOther
}

// promptReason returns the finish reason for a prompt that is blocked: whatever
// the word, a policy is why.
func promptReason(word string) genai.FinishReason {
	if reason := blockReason(word); reason != genai.FinishReasonOther {
		return reason
	}
	return genai.FinishReasonSafety
}
