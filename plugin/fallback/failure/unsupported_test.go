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
		// https://github.com/tailcallhq/forgecode/issues/1185
		"OpenAI output limit":    `{"error":{"message":"max_tokens is too large: 20480. This model supports at most 16384 completion tokens, whereas you provided 20480.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}`,
		"Anthropic output limit": `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20241022"}}`,
		"Gemini budget":          `{"error":{"code":400,"message":"The thinking budget 32768 is invalid. Please choose a value between 512 and 24576.","status":"INVALID_ARGUMENT"}}`,
		// https://github.com/1jehuang/jcode/issues/310, https://github.com/nesquena/hermes-webui/issues/2297
		"DeepSeek image":           "{\"error\":{\"message\":\"Failed to deserialize the JSON body into the target type: messages[7]: unknown variant `image_url`, expected `text` at line 1 column 114708\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_request_error\"}}",
		"DeepSeek image, unquoted": `Error code: 400 - {'error': {'message': 'Failed to deserialize the JSON body into the target type: messages[137]: unknown variant image_url, expected text at line 1 column 460917', 'type': 'invalid_request_error', 'param': None, 'code': 'invalid_request_error'}}`,
		// https://github.com/browser-use/web-ui/issues/274
		"OpenAI image":      `{"error":{"message":"Invalid content type. image_url is only supported by certain models.","type":"invalid_request_error","param":"messages.[1].content.[1].type","code":null}}`,
		"OpenAI tool":       `{"error":{"message":"Hosted tool 'web_search_preview' is not supported with gpt-4.1-nano.","type":"invalid_request_error","param":"tools","code":null}}`,
		"SiliconFlow image": `{"code":20041,"message":"The model is not a VLM (Vision Language Model). Please use text-only prompts.","data":null}`, // https://github.com/web-infra-dev/midscene/issues/378
		"LM Studio image":   `{"error":"Model does not support images. Please use a model that does."}`,                                             // https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/908
		// https://github.com/studio-dots-ai/dots.ocr/issues/26
		"vLLM text model":     `{"object":"error","message":"Qwen/Qwen3-0.6B is not a multimodal model None","type":"BadRequestError","param":null,"code":400}`,
		"Alibaba stream only": `{"error":{"code":"invalid_parameter_error","message":"This model only support stream mode, please enable the stream parameter to access the model.","type":"invalid_request_error"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := failure.Classifier{}.ClassifyHTTP(400, nil, []byte(body))
			if got.Action != failure.Fallback || got.Kind != failure.KindUnsupported || got.Scope != failure.ScopeModel || got.Cooldown != 0 {
				t.Errorf("got %s %s %s, cooldown %v; want fallback unsupported model without a cooldown", got.Action, got.Kind, got.Scope, got.Cooldown)
			}
		})
	}
}

// llama.cpp reports an unsupported image as a fault of its own: https://github.com/ggml-org/llama.cpp/issues/15377,
// https://github.com/ggml-org/llama.cpp/issues/12947
func TestImagesForATextModelBehind500(t *testing.T) {
	for _, message := range []string{
		"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
		`Failed to parse messages: Unsupported content part type: "image_url"; messages = []`,
	} {
		body := fmt.Sprintf(`{"error":{"code":500,"message":%q,"type":"server_error"}}`, message)
		if got := (failure.Classifier{}).ClassifyHTTP(500, nil, []byte(body)); got.Action != failure.Fallback || got.Kind != failure.KindUnsupported {
			t.Errorf("%s: got %s %s, want fallback unsupported", message, got.Action, got.Kind)
		}
	}
}

// A mistake that every model would refuse is the caller's.
func TestMalformedRequestsFail(t *testing.T) {
	for _, message := range []string{"Missing required parameter: 'messages'.", "Invalid type for 'messages': expected an array.", "Unknown parameter: 'foo'.",
		"Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `foo`, expected one of `system`, `user`",
		"max_tokens must be greater than 0.", "The parameter 'quota_project' has the value 'model is unavailable', which is not allowed.", "The file has been deprecated: error code: 1020 is not a valid value."} {
		body := fmt.Sprintf(`{"error":{"message":%q,"type":"invalid_request_error","param":null,"code":null}}`, message)
		if got := (failure.Classifier{}).ClassifyHTTP(400, nil, []byte(body)); got.Action != failure.Fail {
			t.Errorf("%s: got %s %s, want fail", message, got.Action, got.Kind)
		}
	}
}
