package fallbacktest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// What chat completions and Responses share.

type object = map[string]any

var openAIDeployment = regexp.MustCompile(`/openai/deployments/([^/]+)/`)

// openAIBody reads the body of a call. The deployment in an Azure path names the
// model (https://learn.microsoft.com/azure/ai-foundry/openai/reference).
func openAIBody(r *http.Request, body []byte, req *Request) (object, error) {
	var in object
	err := json.Unmarshal(body, &in)
	if err != nil || in == nil {
		return nil, fmt.Errorf("fallbacktest: could not parse the JSON body of the request: %v", err)
	}
	req.Model, _ = in["model"].(string)
	if m := openAIDeployment.FindStringSubmatch(r.URL.Path); m != nil {
		req.Model = m[1]
	}
	req.Stream, _ = in["stream"].(bool)
	if req.Model == "" {
		return in, errors.New("fallbacktest: you must provide a model parameter")
	}
	return in, nil
}

// openAIError is an error. All four keys are always there
// (https://platform.openai.com/docs/guides/error-codes).
func openAIError(httpCode int, kind, message, param, code string) status {
	return status{code: httpCode, body: string(encode(object{"error": object{
		"message": message, "type": kind, "param": orNull(param), "code": orNull(code),
	}}))}
}

// refusedByOpenAI is a violation in the shape of OpenAI's errors.
func refusedByOpenAI(v *strict.Violation) status {
	return openAIError(v.Status, v.Kind, v.Message, v.Param, v.Code)
}

// openAIProblem writes errors as OpenAI does, for both of its protocols; input is
// the name of the parameter that holds the conversation. Sources:
// https://platform.openai.com/docs/guides/error-codes, and for each kind the
// report that is named.
func openAIProblem(req *Request, p problem, input string) status {
	switch p.kind {
	case dailyQuota: // https://github.com/langchain-ai/langchainjs/issues/1929
		return openAIError(http.StatusTooManyRequests, "insufficient_quota",
			"You exceeded your current quota, please check your plan and billing details.", "", "insufficient_quota")
	case minuteQuota: // https://github.com/semanser/codel/issues/72
		s := openAIError(http.StatusTooManyRequests, "requests",
			"Rate limit reached for "+req.Model+" on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in "+p.retry.String()+".", "", "rate_limit_exceeded")
		s.header = http.Header{
			"Retry-After":    {fmt.Sprint(int64(math.Ceil(p.retry.Seconds())))},
			"Retry-After-Ms": {fmt.Sprint(p.retry.Milliseconds())},
		}
		return s
	case exhausted:
		return openAIError(http.StatusTooManyRequests, "tokens", "Rate limit reached for "+req.Model+".", "", "rate_limit_exceeded")
	case overloaded, capacity:
		return openAIError(http.StatusServiceUnavailable, "server_error", "The server is currently overloaded with other requests. Please try again later.", "", "")
	case deadline:
		return openAIError(http.StatusGatewayTimeout, "server_error", "The request took too long.", "", "")
	case contextLength: // https://github.com/Nutlope/aicommits/issues/259
		return openAIError(http.StatusBadRequest, "invalid_request_error",
			"This model's maximum context length is 128000 tokens, but the request has 150000 tokens. Please reduce its length.", input, "context_length_exceeded")
	case invalidKey: // https://github.com/continuedev/continue/issues/11409
		return openAIError(http.StatusUnauthorized, "invalid_request_error",
			"Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.", "", "invalid_api_key")
	case notFound:
		return openAIError(http.StatusNotFound, "invalid_request_error",
			"The model `"+req.Model+"` does not exist or you do not have access to it.", "", "model_not_found")
	case location: // https://platform.openai.com/docs/supported-countries
		return openAIError(http.StatusForbidden, "request_forbidden", "Country, region, or territory not supported.", "", "unsupported_country_region_territory")
	case badRequest:
		return openAIError(http.StatusBadRequest, "invalid_request_error", p.text, "", "")
	}
	return openAIError(http.StatusInternalServerError, "server_error", "The server had an error while processing your request. Sorry about that!", "", "")
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// openAIID makes an id as OpenAI's look. It depends on the model, the request
// and n alone, so that ids differ within a conversation and a test can be run again.
func openAIID(prefix string, req *Request, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", prefix, req.Model, req.Index, n))
	return prefix + hex.EncodeToString(sum[:12])
}

// callID is the id of the n-th part, which is a call.
func callID(req *Request, call *genai.FunctionCall, n int) string {
	if call.ID != "" {
		return call.ID
	}
	return openAIID("call_", req, n)
}

// arguments encodes a call's arguments. An answer that ran out of tokens, or that
// is finished as malformed, has them cut off, as models leave them.
func (a answer) arguments(call *genai.FunctionCall) string {
	args := "{}"
	if len(call.Args) > 0 {
		args = string(encode(call.Args))
	}
	switch a.finish {
	case genai.FinishReasonMaxTokens, genai.FinishReasonMalformedFunctionCall:
		return args[:len(args)/2]
	}
	return args
}

// inPieces splits arguments as a stream brings them: in up to three pieces.
func inPieces(s string) []string {
	var out []string
	for size := len(s)/3 + 1; len(s) > 0; {
		n := min(size, len(s))
		for n < len(s) && s[n]&0xC0 == 0x80 { // not within a character
			n++
		}
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}

// reasoningTokens counts the thoughts, which OpenAI counts among the output.
func (a answer) reasoningTokens(u usage) int {
	n := 0
	for _, p := range a.parts {
		if p.Thought {
			n += countTokens([]*genai.Part{p})
		}
	}
	return min(n, u.output)
}

// functionResult is a tool's output in genai's terms: a JSON object as it is, and
// anything else as the key "output", which genai documents for it.
func functionResult(id, name, output string) *genai.Part {
	var response map[string]any
	if json.Unmarshal([]byte(output), &response) != nil || response == nil {
		response = map[string]any{"output": output}
	}
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: id, Name: name, Response: response}}
}

func functionCall(id, name, arguments string) *genai.Part {
	var args map[string]any
	_ = json.Unmarshal([]byte(arguments), &args) // what is no object is seen in Request.Body
	return &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: args}}
}

// mediaPart is a part that holds the data of a data URL, or refers to another URL.
func mediaPart(url string) *genai.Part {
	if mime, data, ok := wire.DataURL(url); ok {
		return &genai.Part{InlineData: &genai.Blob{MIMEType: mime, Data: data}}
	}
	return &genai.Part{FileData: &genai.FileData{FileURI: url}}
}
