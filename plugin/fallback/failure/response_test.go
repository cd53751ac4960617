package failure_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

func content(parts ...*genai.Part) *genai.Content { return &genai.Content{Role: "model", Parts: parts} }

func TestClassifyResponse(t *testing.T) {
	text := &genai.Part{Text: "hello"}
	thought := &genai.Part{Text: "hmm", Thought: true}
	call := &genai.Part{FunctionCall: &genai.FunctionCall{Name: "f"}}
	always := failure.Expect{FinishReason: true}
	tests := map[string]struct {
		resp   *model.LLMResponse
		expect failure.Expect
		action failure.Action // "": fine
		kind   failure.Kind
	}{
		"text":                      {&model.LLMResponse{Content: content(text), FinishReason: genai.FinishReasonStop}, always, "", ""},
		"call":                      {&model.LLMResponse{Content: content(thought, call), FinishReason: genai.FinishReasonStop}, always, "", ""},
		"cut at the output limit":   {&model.LLMResponse{Content: content(text), FinishReason: genai.FinishReasonMaxTokens}, always, "", ""},
		"partial":                   {&model.LLMResponse{Partial: true}, always, "", ""},
		"no reason, none expected":  {&model.LLMResponse{Content: content(text)}, failure.Expect{}, "", ""},
		"no reason, one expected":   {&model.LLMResponse{Content: content(text)}, always, failure.Retry, failure.KindTruncated},
		"nil":                       {nil, failure.Expect{}, failure.Retry, failure.KindEmpty},
		"no content":                {&model.LLMResponse{FinishReason: genai.FinishReasonStop}, always, failure.Retry, failure.KindEmpty},
		"empty text":                {&model.LLMResponse{Content: content(&genai.Part{}, nil), FinishReason: genai.FinishReasonStop}, always, failure.Retry, failure.KindEmpty},
		"thoughts only":             {&model.LLMResponse{Content: content(thought), FinishReason: genai.FinishReasonStop}, always, failure.Retry, failure.KindEmpty},
		"the same, streamed by ADK": {&model.LLMResponse{Content: content(text), ErrorCode: "MAX_TOKENS", FinishReason: genai.FinishReasonMaxTokens}, always, "", ""},
		"ADK's streamed OpenAI":     {&model.LLMResponse{Content: content(text), FinishReason: genai.FinishReasonUnspecified}, failure.Expect{}, "", ""},
		"nothing within the limit":  {&model.LLMResponse{Content: content(thought), FinishReason: genai.FinishReasonMaxTokens}, always, failure.Fallback, failure.KindEmpty},
		"the same, as ADK says it":  {&model.LLMResponse{ErrorCode: "MAX_TOKENS", FinishReason: genai.FinishReasonMaxTokens}, always, failure.Fallback, failure.KindEmpty},
		"malformed call":            {&model.LLMResponse{ErrorCode: "MALFORMED_FUNCTION_CALL", FinishReason: genai.FinishReasonMalformedFunctionCall}, always, failure.Retry, failure.KindMalformed},
		"safety, answer withheld":   {&model.LLMResponse{ErrorCode: "SAFETY", FinishReason: genai.FinishReasonSafety}, always, failure.Fail, failure.KindContent},
		"safety, answer cut":        {&model.LLMResponse{Content: content(text), FinishReason: genai.FinishReasonSafety}, always, failure.Fail, failure.KindContent},
		"recitation":                {&model.LLMResponse{FinishReason: genai.FinishReasonRecitation}, always, failure.Fail, failure.KindContent},
		"prompt blocked":            {&model.LLMResponse{ErrorCode: "PROHIBITED_CONTENT", ErrorMessage: "blocked"}, always, failure.Fail, failure.KindContent},
		"blocklist":                 {&model.LLMResponse{ErrorCode: "BLOCKLIST"}, always, failure.Fail, failure.KindContent},
		"personal data":             {&model.LLMResponse{FinishReason: genai.FinishReasonSPII}, always, failure.Fail, failure.KindContent},
		"other":                     {&model.LLMResponse{ErrorCode: "OTHER"}, always, failure.Retry, failure.KindMalformed},
		"status as a code":          {&model.LLMResponse{ErrorCode: "429", ErrorMessage: "slow down"}, always, failure.Retry, failure.KindRateLimit},
		"status on a partial":       {&model.LLMResponse{ErrorCode: "503", Partial: true}, always, failure.Retry, failure.KindOverloaded},
		"name as a code":            {&model.LLMResponse{ErrorCode: "UNAVAILABLE"}, always, failure.Retry, failure.KindOverloaded},
		"status line as a code":     {&model.LLMResponse{ErrorCode: "429 Too Many Requests"}, always, failure.Retry, failure.KindRateLimit},
		"code with spaces around":   {&model.LLMResponse{ErrorCode: " 503\n"}, always, failure.Retry, failure.KindOverloaded},
		"error as a code":           {&model.LLMResponse{ErrorCode: `{"error":{"code":404,"status":"NOT_FOUND"}}`}, always, failure.Fallback, failure.KindModel},
		"safety in lower case":      {&model.LLMResponse{ErrorCode: "safety"}, always, failure.Fail, failure.KindContent},
		"filter in lower case":      {&model.LLMResponse{Content: content(text), FinishReason: "content_filter"}, always, failure.Fail, failure.KindContent},
		"limit in lower case":       {&model.LLMResponse{Content: content(text), ErrorCode: "max_tokens"}, failure.Expect{}, "", ""},
		"code with a provider body": {&model.LLMResponse{ErrorCode: "429", ErrorMessage: plain}, always, failure.Fallback, failure.KindQuota},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v, bad := failure.ClassifyResponse(tt.resp, tt.expect)
			if bad != (tt.action != "") || v.Action != tt.action || v.Kind != tt.kind {
				t.Errorf("ClassifyResponse = %+v, %v; want %q of %q", v, bad, tt.action, tt.kind)
			}
		})
	}
}

func TestVerdictOfAResponseSurvivesAsAnError(t *testing.T) {
	want, _ := failure.ClassifyResponse(&model.LLMResponse{ErrorCode: "SAFETY", ErrorMessage: "blocked"}, failure.Expect{})
	if got := failure.Classify(io(want.Err())); got != want {
		t.Errorf("Classify = %+v, want %+v", got, want)
	}
}
