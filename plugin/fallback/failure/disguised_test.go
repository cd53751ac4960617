package failure_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// A server may report its own fault as a mistake of the request. The request is fine, so the call goes on.
func TestFaultsReportedAsTheCallersMistake(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// https://github.com/decolua/9router/issues/2527, https://github.com/tashfeenahmed/freellmapi/issues/522
		{"NVIDIA degraded function", 400, `{"status":400,"title":"Bad Request","detail":"Function id '87ea0ddc-cff1-4bca-bf8b-3bd98a35ddd0': DEGRADED function cannot be invoked"}`, outcome{retry, failure.KindCapacity, 0}},
		// https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1347
		{"LM Studio crash", 400, `{"error":"The model has crashed without additional information. (Exit code: 18446744072635812000)"}`, outcome{retry, failure.KindCapacity, 0}},
		// https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1492, https://github.com/charmbracelet/crush/issues/2546
		{"LM Studio unloaded", 400, `{"error":"Model is unloaded."}`, outcome{fallback, failure.KindModel, 0}},
		{"LM Studio cannot load", 400, `{"error":{"message":"Failed to load model \"qwen/qwen3-coder-30b\". Error: Operation canceled.","type":"invalid_request_error"}}`, outcome{fallback, failure.KindModel, 0}},
		// https://github.com/HeyPuter/puter/issues/3168
		{"Together stopped endpoint", 400, `{"id":"o","error":{"message":"The dedicated endpoint for mistralai/Mixtral-8x22B-Instruct-v0.1 is not running. Please visit https://api.together.ai/models to start the endpoint.","type":"invalid_request_error","param":null,"code":"dedicated_endpoint_not_running"}}`, outcome{fallback, failure.KindModel, 0}},
		// https://github.com/huggingface/text-generation-inference/blob/main/router/src/infer/mod.rs
		{"TGI generation", 424, `{"error":"Request failed during generation: Server error: CUDA error: device-side assert triggered","error_type":"generation"}`, outcome{retry, failure.KindServer, 0}},
		{"TGI inputs", 422, "{\"error\":\"Input validation error: `inputs` must have less than 4096 tokens. Given: 5000\",\"error_type\":\"validation\"}", outcome{fallback, failure.KindContextLength, 0}},
		// https://github.com/aws-samples/sample-getting-started-with-strands-agents-course/issues/1
		{"Bedrock inference profile", 400, `{"message":"Invocation of model ID anthropic.claude-3-5-sonnet-20241022-v2:0 with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model."}`, outcome{fallback, failure.KindModel, 0}},
		// https://github.com/QwenLM/qwen-code/issues/98, https://github.com/LLM-Red-Team/qwen-free-api/issues/23
		{"Alibaba input length", 400, `{"error":{"code":"invalid_parameter_error","message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 204800]","param":null,"type":"invalid_request_error"}}`, outcome{fallback, failure.KindContextLength, 0}},
		{"Alibaba input length, text", 0, `Internal error: 400 <400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 983616]`, outcome{fallback, failure.KindContextLength, 0}},
		// https://help.aliyun.com/en/model-studio/error-code
		{"Alibaba not purchased", 429, `{"code":"CommodityNotPurchased","message":"Commodity has not purchased yet.","request_id":"r"}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"Alibaba workspace", 403, `{"code":"Model.AccessDenied","message":"Model access denied.","request_id":"r"}`, outcome{fallback, failure.KindModel, 0}},
		{"Kubernetes without endpoints", 503, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no endpoints available for service \"vllm\"","reason":"ServiceUnavailable","code":503}`, outcome{retry, failure.KindOverloaded, 0}},
		// https://github.com/diegosouzapw/OmniRoute/issues/11486
		{"OpenCode Zen unavailable", 400, `{"error":{"message":"Model is unavailable."}}`, outcome{retry, failure.KindCapacity, 0}},
		{"OpenCode Zen overloaded", 400, `{"error":{"message":"Service temporarily overloaded"}}`, outcome{retry, failure.KindCapacity, 0}},
		// https://github.com/charmbracelet/crush/issues/386: OpenAI's SDK for Go quotes an error that is a string
		{"xAI argument", 0, `POST "https://api.x.ai/v1/chat/completions": 400 Bad Request "Argument not supported on this model: reasoningEffort"`, outcome{fallback, failure.KindUnsupported, 0}},
		// https://github.com/JohnnyZ93/oai-compatible-copilot/issues/214
		{"restricted model", 400, `{"error":{"code":1369,"message":"Request denied by upstream policy. This model is restricted to authorized applications.","request_id":"r"}}`, outcome{fallback, failure.KindModel, 0}},
		// https://github.com/github/copilot-cli/issues/730
		{"Copilot quota", 0, `Model call failed: {"message":"You have no quota","code":"quota_exceeded"} (Request ID: 676E:18712:55183D)`, outcome{fallback, failure.KindQuota, time.Hour}},
		// https://docs.cohere.com/reference/errors
		{"Cohere blocked", 498, `{"message":"blocked input: please adjust the input"}`, outcome{fail, failure.KindContent, 0}},
		// https://openrouter.ai/docs/api-reference/errors
		{"OpenRouter moderation", 403, `{"error":{"message":"openai/gpt-4o requires moderation. Your input was flagged for \"violence\". No credits were charged.","code":403,"metadata":{"reasons":["violence"]}}}`, outcome{fail, failure.KindContent, 0}},
		// https://github.com/truefoundry/models/pull/862
		{"DeepInfra busy", 0, `{"error":{"message":"Model busy, retry later"}}`, outcome{retry, failure.KindOverloaded, 0}},
		{"Amazon Q", 0, "The model you've selected is experiencing high load. Please switch to another model and try again.", outcome{retry, failure.KindOverloaded, 0}}, // https://github.com/Amazon-Q-Developer/language-servers/pull/1711
		{"busy in Chinese", 0, `{"error":{"message":"服务器繁忙，请稍后重试"}}`, outcome{retry, failure.KindOverloaded, 0}},
		{"New API token", 0, `{"error":{"message":"无效的令牌 (request id: 2025)","type":"new_api_error"}}`, outcome{fail, failure.KindAuth, 0}},
	})
}

// Codes and words that only these vendors use.
func TestCodesOfVendors(t *testing.T) {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	check(t, []response{
		// https://platform.minimax.io/docs/api-reference/errorcode: numbers in base_resp, under HTTP 200
		{"MiniMax key", 200, `{"base_resp":{"status_code":1004,"status_msg":"login fail: Please carry the API secret key in the 'Authorization' field of the request header"}}`, outcome{fail, failure.KindAuth, 0}},
		{"MiniMax rate", 200, `{"id":"","choices":null,"created":0,"base_resp":{"status_code":1002,"status_msg":"limited"}}`, outcome{retry, failure.KindRateLimit, 0}},
		{"MiniMax balance", 200, `{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"MiniMax timeout", 200, `{"base_resp":{"status_code":1001,"status_msg":"timeout"}}`, outcome{retry, failure.KindTimeout, 0}},
		{"MiniMax unknown", 200, `{"base_resp":{"status_code":1000,"status_msg":"unknown error"}}`, outcome{retry, failure.KindServer, 0}},
		{"MiniMax internal", 200, `{"base_resp":{"status_code":1013,"status_msg":"internal service error"}}`, outcome{retry, failure.KindServer, 0}},
		{"MiniMax parameters", 200, `{"base_resp":{"status_code":2013,"status_msg":"invalid params, empty field"}}`, outcome{fail, failure.KindInvalid, 0}},
		// The same number of another vendor: https://docs.z.ai/api-reference/api-code
		{"GLM token", 401, `{"error":{"code":"1002","message":"Authentication Token is illegal"}}`, outcome{fail, failure.KindAuth, 0}},
		// https://cloud.baidu.com/doc/qianfan-api/s/rmwbl43x7
		{"Baidu characters", 400, `{"error":{"code":"characters_too_long","message":"the max input characters is 20000","type":"invalid_request_error"},"id":"as-1"}`, outcome{fallback, failure.KindContextLength, 0}},
		{"Baidu tokens", 400, `{"error":{"code":"tokens_too_long","message":"too long","type":"invalid_request_error"},"id":"as-1"}`, outcome{fallback, failure.KindContextLength, 0}},
		{"Baidu JSON", 400, `{"error":{"code":"malformed_json","message":"Invalid Argument","type":"invalid_request_error"},"id":"as-1"}`, outcome{fail, failure.KindInvalid, 0}},
		// https://github.com/langgenius/dify/issues/19394
		{"SiliconFlow length", 400, `{"code":20015,"message":"length of prompt_tokens (57535) must be less than max_seq_len (32768).","data":null}`, outcome{fallback, failure.KindContextLength, 0}},
		{"SiliconFlow disabled", 403, `{"code":30003,"message":"Model disabled.","data":null}`, outcome{fallback, failure.KindModel, 0}},
		// https://www.volcengine.com/docs/82379/1299023, https://www.volcengine.com/docs/82379/1099476, https://github.com/nicepkg/aide/issues/80
		{"Ark closed endpoint", 400, `{"error":{"code":"InvalidEndpoint.ClosedEndpoint","message":"The request targeted an endpoint that is currently closed or temporarily unavailable. Request ID: r","type":"BadRequest"}}`, outcome{fallback, failure.KindModel, 0}},
		{"Ark endpoint", 404, "The request targeted an endpoint that does not exist or is invalid. Request id: r", outcome{fallback, failure.KindModel, 0}},
		{"Ark risk", 400, `{"error":{"code":"InputTextRiskDetection","message":"The request could not be processed because of its input.","type":"BadRequest"}}`, outcome{fail, failure.KindContent, 0}},
		{"Ark sensitive", 400, `{"error":{"code":"SensitiveContentDetected.Violence","message":"The request failed because the input text may contain sensitive information.","type":"BadRequest"}}`, outcome{fail, failure.KindContent, 0}},
		{"Ark free trial", 429, `{"error":{"code":"QuotaExceeded","message":"Your account 2100 has exhausted its free trial quota for the doubao-pro model. Please visit the Ark console to activate the model service.","type":"TooManyRequests"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		// https://docs.together.ai/docs/error-codes: 403 for a request that is longer than the context
		{"Together length", 403, "{\"error\":{\"message\":\"Input token count + `max_tokens` parameter must be less than the context length of the model being queried.\",\"type\":\"invalid_request_error\"}}", outcome{fallback, failure.KindContextLength, 0}},
		// https://github.com/vercel/ai/issues/18303: the provider's error in a string in the chunk of a gateway
		{"Vercel AI Gateway", 200, `data: {"id":"gen_1","object":"chat.completion.chunk","model":"alibaba/qwen-3-14b","error":{"code":"error","message":"Stream error occurred","name":"AI_TypeValidationError","cause":{"name":"ZodError","message":"[ { \"code\": \"invalid_union\" } ]"},"value":{"error_type":"validation_error","error_message":"{\"error\":{\"message\":\"This model's maximum context length is 40960 tokens. However, you requested 100 output tokens and your prompt contains at least 40861 input tokens.\"}}"}}}`, outcome{fallback, failure.KindContextLength, 0}},
	})
}

// A server of tools that a request names and that fails says nothing about the model: no breaker counts it. The model's own
// faults with the same status count.
func TestFaultOfAToolServerIsTheRequests(t *testing.T) {
	for body, want := range map[string]failure.Scope{
		`{"error":{"message":"Error retrieving tool list from MCP server: 'crm'. Http status code: 424 (Failed Dependency)","type":"external_connector_error","param":"tools","code":"http_error"}}`: failure.ScopeRequest,
		`{"error":"Request failed during generation: Server error: CUDA error","error_type":"generation"}`:                                                                                           failure.ScopeModel,
	} {
		if v := atNoon.ClassifyHTTP(424, nil, []byte(body)); v.Action != failure.Retry || v.MaxRetries != 1 || v.Kind != failure.KindServer || v.Scope != want {
			t.Errorf("ClassifyHTTP(424, %q) = %s %d %s %s, want one retry, server, %s", body, v.Action, v.MaxRetries, v.Kind, v.Scope, want)
		}
	}
}

// Numbers that several vendors use are codes, too: ErrorCodes takes what a verdict's Code may be.
func TestIsCodeOfANumberOfOneVendor(t *testing.T) {
	v := atNoon.ClassifyHTTP(200, nil, []byte(`{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}`))
	if !v.Matches("1002") || !failure.IsCode("1002") || failure.IsCode("1000") {
		t.Errorf("code %q; IsCode(1002) is %t, IsCode(1000) %t; want true of a code that says more than a status", v.Code, failure.IsCode("1002"), failure.IsCode("1000"))
	}
}

// The edge of a provider's network may refuse this address. That says nothing about the key.
func TestEdgeRefusesTheAddress(t *testing.T) {
	for _, body := range []string{
		"error code: 1009", "error code: 1020", // https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/
		`<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head></html>`,
		`<!doctype html><html><head><title>Access denied | api.example.com used Cloudflare to restrict access</title></head></html>`,
	} {
		if v := atNoon.ClassifyHTTP(403, nil, []byte(body)); v.Action != failure.Fallback || v.Kind != failure.KindLocation || v.Scope != failure.ScopeProvider {
			t.Errorf("ClassifyHTTP(403, %q) = %s %s %s, want fallback location provider", body, v.Action, v.Kind, v.Scope)
		}
	}
}

// The AWS SDK for Go found no credential. It asked the machine's metadata service last, whose answer is no status of the model:
// https://github.com/aws/aws-sdk-go/issues/5306, https://github.com/aws/aws-sdk-go/issues/5138
func TestNoCredentialOfAWS(t *testing.T) {
	const prefix = "operation error Bedrock Runtime: Converse, get identity: get credentials: failed to refresh cached credentials, "
	for _, text := range []string{
		prefix + "no EC2 IMDS role found, operation error ec2imds: GetMetadata, exceeded maximum number of attempts, 3, http response error StatusCode: 503, request to EC2 IMDS failed",
		prefix + "no EC2 IMDS role found, operation error ec2imds: GetMetadata, request canceled, context deadline exceeded",
		prefix + "no EC2 IMDS role found, operation error ec2imds: GetMetadata, http response error StatusCode: 404, request to EC2 IMDS failed",
		prefix + "static credentials are empty",
	} {
		if v := atNoon.ClassifyHTTP(0, nil, []byte(text)); v.Action != failure.Fail || v.Kind != failure.KindAuth {
			t.Errorf("%q: got %s %s, want fail auth", text, v.Action, v.Kind)
		}
	}
}
