package failure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// The bodies are shortened from what the providers document and users report; the sources stand above each group.

// faultErrors are faults whose type stands in a place of its own: AWS's, gRPC's, and numbers of relays.
func faultErrors() []response {
	const retry, fallback, fail = failure.Retry, failure.Fallback, failure.Fail
	return []response{
		// Bedrock's event stream through LiteLLM: https://github.com/BerriAI/litellm/issues
		{"stream, unavailable", 0, `Bad response code, expected 200: {'status_code': 400, 'headers': {':exception-type': 'serviceUnavailableException', ':message-type': 'exception'}, 'body': b'{"message":"Bedrock is unable to process your request."}'}`, outcome{retry, failure.KindOverloaded, 0}},
		{"stream, throttled", 400, `{":message-type":"exception",":exception-type":"throttlingException","message":"Too many tokens, please wait."}`, outcome{retry, failure.KindRateLimit, 0}},
		{"stream, invalid", 400, `{":exception-type":"validationException","message":"messages: field required"}`, outcome{fail, failure.KindInvalid, 0}},
		// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
		{"__type", 400, `{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}`, outcome{retry, failure.KindRateLimit, 0}},
		{"botocore", 400, "An error occurred (ServiceUnavailableException) when calling the ConverseStream operation: Bedrock is unable to process your request.", outcome{retry, failure.KindOverloaded, 0}},
		{"botocore, stream", 0, "An error occurred (modelStreamErrorException) when calling the InvokeModelWithResponseStream operation: The system encountered an unexpected error.", outcome{retry, failure.KindServer, 0}},
		{"JavaScript", 400, `{"name":"InternalServerException","$fault":"server","$metadata":{"httpStatusCode":400}}`, outcome{retry, failure.KindServer, 0}},
		{"a type in words of the caller", 400, `{"message":"unknown tool ThrottlingException"}`, outcome{fail, failure.KindInvalid, 0}},
		// https://github.com/cloudflare/ai/issues/436, https://developers.cloudflare.com/workers-ai/platform/errors/
		{"cloudflare upstream", 400, `{"success":false,"result":[],"messages":[],"error":[{"code":2005,"message":"Failed to get response from provider"}]}`, outcome{retry, failure.KindServer, 0}},
		{"cloudflare capacity", 429, `{"errors":[{"message":"AiError: busy","code":3040}],"success":false,"result":{},"messages":[]}`, outcome{retry, failure.KindCapacity, 0}},
		{"cloudflare model", 400, `{"errors":[{"message":"x","code":5007}],"success":false,"result":null}`, outcome{fallback, failure.KindModel, 0}},
		{"the same number elsewhere", 400, `{"error":{"message":"x","code":2005}}`, outcome{fail, failure.KindInvalid, 0}},
		// gRPC: https://grpc.io/docs/guides/status-codes/
		{"ruby, reset", 0, "Google::Cloud::InternalError: 13:Received RST_STREAM with error code 2", outcome{retry, failure.KindServer, 0}},
		{"ruby, late", 0, "4:Deadline Exceeded. debug_error_string:{UNKNOWN:Deadline Exceeded}", outcome{retry, failure.KindTimeout, 0}},
		{"ruby, class", 0, "`check_status': Connection dropped (GRPC::Unavailable)", outcome{retry, failure.KindOverloaded, 0}},
		{"node", 0, "Error: 14 UNAVAILABLE: Received RST_STREAM with error code 7", outcome{retry, failure.KindOverloaded, 0}},
		{"node, late", 0, "Error: 4 DEADLINE_EXCEEDED: Deadline exceeded after 30.000s,name resolution: 0.270s", outcome{retry, failure.KindTimeout, 0}},
		{"dotnet", 0, `Grpc.Core.RpcException: Status(StatusCode="Unavailable", Detail="failed to connect to all addresses")`, outcome{retry, failure.KindOverloaded, 0}},
		{"python", 0, "status = StatusCode.RESOURCE_EXHAUSTED details = \"Quota exceeded for requests per minute\"", outcome{retry, failure.KindRateLimit, time.Minute}},
		{"a number in front of a text", 0, "main.go: 13:Something that is no status", outcome{fallback, failure.KindUnknown, 0}},
		{"MiniMax under 200", 200, `{"base_resp":{"status_code":1008,"status_msg":"x"}}`, outcome{fallback, failure.KindBilling, time.Hour}},
		{"a success of MiniMax", 200, `{"base_resp":{"status_code":0,"status_msg":"success"},"choices":[{"finish_reason":"content_filter"}]}`, outcome{fail, failure.KindContent, 0}},
	}
}

func TestFaultsWithATypeOfTheirOwn(t *testing.T) { check(t, faultErrors()) }

func TestFaultInAHeader(t *testing.T) {
	for value, want := range map[string]outcome{
		"ServiceUnavailableException":                          {failure.Retry, failure.KindOverloaded, 0},
		"ThrottlingException:http://internal.amazon.com/coral": {failure.Retry, failure.KindRateLimit, 0},
		"ValidationException":                                  {failure.Fail, failure.KindInvalid, 0},
		"AccessDeniedException":                                {failure.Fail, failure.KindAuth, 0},
	} {
		h := http.Header{}
		h.Set("x-amzn-ErrorType", value)
		if got := outcomeOf(atNoon.ClassifyHTTP(400, h, []byte(`{"message":"no"}`))); got != want {
			t.Errorf("%s: %+v, want %+v", value, got, want)
		}
	}
}
