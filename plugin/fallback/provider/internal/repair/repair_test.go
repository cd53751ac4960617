package repair_test

import (
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

func optionalParts() *model.LLMRequest {
	f := genai.Ptr[float32](0.5)
	return &model.LLMRequest{
		Contents: []*genai.Content{
			genai.NewContentFromText("hi", "user"),
			{Role: "model", Parts: []*genai.Part{{Text: "thought", Thought: true, ThoughtSignature: []byte("x")}, {FunctionCall: &genai.FunctionCall{ID: "a", Name: "f"}}}},
			{Role: "user", Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{ID: "a", Name: "f"}}}},
		},
		Config: &genai.GenerateContentConfig{Temperature: f, TopP: f, TopK: f, PresencePenalty: f, FrequencyPenalty: f, StopSequences: []string{"x"}, Seed: genai.Ptr[int32](1), CandidateCount: 2,
			SafetySettings: []*genai.SafetySetting{{}}, Labels: map[string]string{"a": "b"}, ThinkingConfig: &genai.ThinkingConfig{ThinkingLevel: "HIGH"}, ResponseLogprobs: true, Logprobs: genai.Ptr[int32](3),
			MediaResolution: "X", ServiceTier: "flex", MaxOutputTokens: 100_000},
	}
}

// B126: what a server says of an optional part is repaired, and nothing else is,
// whatever an error quotes.
func TestRepairIsThatOfWhatTheServerNames(t *testing.T) {
	for _, c := range []struct {
		api         provider.API
		param, text string
		want        string
	}{
		{provider.Chat, "temperature", `{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","param":"temperature"}}`, "temperature"},
		{provider.Chat, "", `{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":7}]}`, "seed"},
		{provider.Chat, "", `{"detail":[{"type":"string_type","loc":["body","messages",0,"content"],"msg":"Input should be a valid string","input":{"text":"set the temperature"}}]}`, ""},
		{provider.Chat, "", `{"object":"error","message":"[{'type': 'string_type', 'loc': ('body', 'messages', 0, 'content'), 'msg': 'Input should be a valid string', 'input': {'text': 'the temperature of n'}}]","type":"BadRequestError","param":null,"code":400}`, ""},
		{provider.Chat, "tools[0].function.parameters", `{"error":{"message":"Invalid schema for function 'set': 'temperature' is not a valid JSON schema","param":"tools[0].function.parameters"}}`, ""},
		{provider.Gemini, "", `{"error":{"code":400,"message":"* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[temperature].enum: should be non-empty","status":"INVALID_ARGUMENT"}}`, ""},
		{provider.Vertex, "", `{"error":{"code":400,"message":"Invalid value at 'contents'","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","metadata":{"service":"x"}}]}}`, ""},
		{provider.Anthropic, "", `{"type":"error","error":{"type":"invalid_request_error","message":"temperature: Extra inputs are not permitted"},"request_id":"x"}`, "temperature"},
		{provider.Anthropic, "", `{"type":"error","error":{"type":"invalid_request_error","message":"messages: text content blocks must be non-empty"}}`, ""},
		{provider.Anthropic, "", `{"type":"error","error":{"type":"invalid_request_error","message":"tools.0.custom.input_schema.properties.temperature: must be an object"}}`, ""},
		{provider.Anthropic, "", `{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid ` + "`signature` in `thinking`" + ` block. The block is bound"}}`, "thoughts"},
		{provider.Anthropic, "", `{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0.type: Expected ` + "`thinking` or `redacted_thinking`, but found `tool_use`" + `. When thinking is enabled, a final assistant message must start with a thinking block"}}`, ""},
		{provider.Chat, "", `{"error":{"message":"The reasoning_content in the thinking mode must be passed back to the API.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, ""},
		{provider.Chat, "", `{"error":{"message":"Extra inputs are not permitted, field: 'messages[1].reasoning', value: 'x'"}}`, "thoughts"},
		{provider.Chat, "", `{"error":{"message":"property 'messages.1.reasoning_content' is unsupported"}}`, "thoughts"},
		{provider.Chat, "n", `{"error":{"message":"'n' : must be 1","param":"n"}}`, "candidate_count"},
		{provider.Chat, "", `{"error":{"message":"\"n\" is not supported"}}`, "candidate_count"},
		{provider.Chat, "max_tokens", `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}}`, "max_completion_tokens"},
		{provider.Chat, "max_tokens", `{"error":{"message":"max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}`, "max_output_tokens: 16384"},
		{provider.Vertex, "", `{"error":{"code":400,"message":"Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 65536 (exclusive). Update the value and try again.","status":"INVALID_ARGUMENT"}}`, "max_output_tokens: 65535"},
		{provider.Chat, "", `{"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, 8192]","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, "max_output_tokens: 8192"},
		{provider.Chat, "max_tokens", `{"error":{"message":"max_tokens for ` + "`llama-3.1-8b-instant`" + ` must be less than or equal to 8000","type":"invalid_request_error","param":"max_tokens"}}`, "max_output_tokens: 8000"},
		{provider.Anthropic, "", `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens"}}`, "max_output_tokens: 64000"},
		{provider.Anthropic, "", `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 100000 > 200000"}}`, ""},
		{provider.Chat, "", `{"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is 64001 tokens and your request has 24235 input tokens (64000 > 64001 - 24235)."}}`, ""},
		{provider.Chat, "messages[1].tool_calls[0].id", `{"error":{"message":"Invalid 'messages[1].tool_calls[0].id': string too long.","code":"string_above_max_length","param":"messages[1].tool_calls[0].id"}}`, "call_ids"},
		{provider.Chat, "", `{"message":"Tool call id was abc but must be a-z, A-Z, 0-9, with a length of 9.","type":"invalid_request_error"}`, "call_ids"},
		{provider.Gemini, "", `{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}`, "thought_signatures"},
		{provider.Gemini, "", `{"error":{"code":400,"message":"Penalty is not enabled for models/gemini-2.5-flash"}}`, "penalties"},
		{provider.Vertex, "", `{"error":{"code":400,"message":"Unable to submit request because it has a topK value of 64 but the supported range is from 1 (inclusive) to 41 (exclusive). Update the value and try again."}}`, "top_k"},
		{provider.Gemini, "", `{"error":{"code":400,"message":"Multiple candidates is not enabled for this model"}}`, "candidate_count"},
		{provider.Gemini, "", `{"error":{"code":400,"message":"Logprobs is not enabled for models/x"}}`, "top_logprobs"},
		{provider.Gemini, "", `{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"topK\" at 'generation_config': Cannot find field."}}`, "top_k"},
		{provider.Gemini, "", `{"error":{"code":400,"message":"Thinking budget is not supported for this model. Use thinking level instead."}}`, "thinking"},
		{provider.Gemini, "", `{"error":{"code":400,"message":"Tool use with a response mime type: 'application/json' is unsupported"}}`, ""},
		{provider.Chat, "", `{"code":"Client specified an invalid argument","error":"Argument not supported on this model: presencePenalty"}`, "penalties"},
		{provider.Chat, "", `{"error":{"message":"Unrecognized request argument supplied: top_k","param":null}}`, "top_k"},
		{provider.Chat, "", `{"error":{"message":"litellm.UnsupportedParamsError: openai does not support parameters: ['reasoning_effort'], for model=gpt-4o"}}`, "thinking"},
		{provider.Responses, "reasoning.effort", `{"error":{"message":"Unsupported value: 'xhigh'","param":"reasoning.effort","code":"unsupported_value"}}`, "thinking"},
		{provider.Responses, "input[2].encrypted_content", `{"error":{"message":"The encrypted content gAAA could not be verified.","param":null,"code":"invalid_encrypted_content"}}`, "thoughts"},
		{provider.Chat, "", `{"detail":[{"type":"string_type","loc":["body","messages",0,"content"],"msg":"Input should be a valid string","input":{"text":"max_tokens: 9 > 1"}}]}`, ""},
		{provider.Chat, "messages[0].content", `{"error":{"message":"Invalid value: 'temperature must be'","param":"messages[0].content"}}`, ""},
		{provider.Chat, "prompt", `{"error":{"message":"stop: not allowed","param":"prompt","code":"content_filter"}}`, ""},
		{provider.Chat, "response_format", `{"error":{"message":"Invalid schema for response_format 'x': 'stop' is not permitted.","param":"response_format"}}`, ""},
	} {
		r, ok := provider.Target{API: c.api, Model: "m"}.Repair(optionalParts(), provider.Refusal{Param: c.param, Message: c.text})
		if got := string(r); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s says %s of %q: repair %q, %v; want %q", c.api, c.text, c.param, got, ok, c.want)
		}
	}
}

// B126: a refusal of a value says nothing about other values of the setting.
func TestRefusedValuesAreNoLessons(t *testing.T) {
	for _, c := range []struct {
		repair provider.Repair
		text   string
		lasts  bool
	}{
		{"temperature", `Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.`, true},
		{"temperature", `Unsupported parameter: 'temperature' is not supported with this model.`, true},
		{"seed", `{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":7}]}`, true},
		{"temperature", `Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.`, false},
		{"top_k", `Unable to submit request because it has a topK value of 64 but the supported range is from 1 (inclusive) to 41 (exclusive).`, false},
		{"top_p", `top_p must be in (0, 1], got 1.5.`, false},
		{"temperature", `{"detail":[{"loc":["body","temperature"],"msg":"Input should be less than or equal to 2"}]}`, false},
		{"thinking", `Unsupported value: 'xhigh' is not supported with the 'gpt-5' model. Supported values are: 'minimal', 'low', 'medium', and 'high'.`, false},
		{"thinking", `The thinking budget 50000 is invalid. Please choose a value between 512 and 24576.`, false},
		{"thinking", `Budget 0 is invalid. This model only works in thinking mode.`, false},
		{"thinking", `Thinking level MINIMAL is not supported for this model.`, false},
		{"thinking", `Thinking level is not supported for this model.`, true},
		{"thinking", `Thinking budget is not supported for this model. Use thinking level instead.`, true},
		{"thinking", `This model does not support effort level 'xhigh'.`, false},
		{"thinking", `This model does not support the effort parameter.`, true},
		{"thinking", `{"error":{"message":"output_config.effort \"xhigh\" is not supported by model claude-opus-4.7"}}`, false},
		{"max_output_tokens: 8192", `the valid range of max_tokens is [1, 8192]`, true}, // never too low
		{"call_ids", `Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40.`, true},
	} {
		if got := c.repair.Lasts(provider.Refusal{Message: c.text}); got != c.lasts {
			t.Errorf("%s after %q: lasts %v", c.repair, c.text, got)
		}
	}
}

// B126: a token limit above the model's own becomes the model's own, and one below it stays.
func TestRepairOfTheTokenLimit(t *testing.T) {
	for given, want := range map[int32]int32{100_000: 16_384, 16_384: 16_384, 10: 10, 0: 0} {
		config := &genai.GenerateContentConfig{MaxOutputTokens: given}
		req := &model.LLMRequest{Config: config}
		changed := provider.Repair("max_output_tokens: 16384").Apply(req)
		if req.Config.MaxOutputTokens != want || changed != (given != want) || config.MaxOutputTokens != given {
			t.Errorf("%d became %d, changed %v; the caller's is %d", given, req.Config.MaxOutputTokens, changed, config.MaxOutputTokens)
		}
	}
}
