package failure_test

import (
	"fmt"
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// B106: what one model cannot take, another may. Each message is worded as the vendor named words it.
func TestWhatOneModelCannotTakeFallsBack(t *testing.T) {
	for name, body := range map[string]string{
		"OpenAI parameter":       `{"error":{"message":"Unsupported parameter: 'top_p' is not supported with this model.","type":"invalid_request_error","param":"top_p","code":"unsupported_parameter"}}`,
		"OpenAI value, no code":  `{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":null}}`,
		"Anthropic thinking":     `{"type":"error","error":{"type":"invalid_request_error","message":"\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\"."}}`,
		"Anthropic prefill":      `{"type":"error","error":{"type":"invalid_request_error","message":"This model does not support assistant message prefill. The conversation must end with a user message."}}`,
		"Anthropic adaptive":     `{"type":"error","error":{"type":"invalid_request_error","message":"adaptive thinking is not supported on this model"}}`,
		"Gemini penalty":         `{"error":{"code":400,"message":"Penalty is not enabled for models/gemini-2.5-flash","status":"INVALID_ARGUMENT"}}`,
		"Gemini thinking budget": `{"error":{"code":400,"message":"Thinking budget is not supported for this model. Use thinking level instead.","status":"INVALID_ARGUMENT"}}`,
		"Gemini model turn":      `[{"error":{"code":400,"message":"Requests ending with a model turn are not supported.","status":"INVALID_ARGUMENT"}}]`,
		"vLLM images":            `{"error":{"message":"this model does not support image input","type":"BadRequestError","param":null,"code":400}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := failure.Classifier{}.ClassifyHTTP(400, nil, []byte(body))
			if got.Action != failure.Fallback || got.Kind != failure.KindUnsupported || got.Scope != failure.ScopeModel || got.Cooldown != 0 {
				t.Errorf("got %s %s %s, cooldown %v; want fallback unsupported model without a cooldown", got.Action, got.Kind, got.Scope, got.Cooldown)
			}
		})
	}
}

// A mistake that every model would refuse is the caller's.
func TestMalformedRequestsFail(t *testing.T) {
	for _, message := range []string{"Missing required parameter: 'messages'.", "Invalid type for 'messages': expected an array.", "Unknown parameter: 'foo'."} {
		body := fmt.Sprintf(`{"error":{"message":%q,"type":"invalid_request_error","param":null,"code":null}}`, message)
		if got := (failure.Classifier{}).ClassifyHTTP(400, nil, []byte(body)); got.Action != failure.Fail {
			t.Errorf("%s: got %s %s, want fail", message, got.Action, got.Kind)
		}
	}
}
