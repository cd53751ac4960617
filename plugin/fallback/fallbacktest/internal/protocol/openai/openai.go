// Package openai writes answers and errors as OpenAI's two APIs do, [Chat] and
// [Responses], and reads their requests. Chat also speaks as other servers of chat
// completions do.
//
// What the APIs and the other servers refuse in strict mode is in package strict.
package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// What chat completions and Responses share.

type object = map[string]any

var deployment = regexp.MustCompile(`/openai/deployments/([^/]+)/`)

// readBody reads the body of a call. The deployment in an Azure path names the
// model (https://learn.microsoft.com/azure/ai-foundry/openai/reference).
func readBody(r *http.Request, body []byte, req *protocol.Request) (object, error) {
	var in object
	err := json.Unmarshal(body, &in)
	if err != nil || in == nil {
		return nil, fmt.Errorf("fallbacktest: could not parse the JSON body of the request: %v", err)
	}
	req.Model, _ = in["model"].(string)
	if m := deployment.FindStringSubmatch(r.URL.Path); m != nil {
		req.Model = m[1]
	}
	req.Stream, _ = in["stream"].(bool)
	if req.Model == "" {
		return in, errors.New("fallbacktest: you must provide a model parameter")
	}
	return in, nil
}

// apiError is an error. All four keys are always there
// (https://platform.openai.com/docs/guides/error-codes).
func apiError(httpCode int, kind, message, param, code string) protocol.Status {
	return protocol.Status{Code: httpCode, Body: string(protocol.Encode(object{"error": object{
		"message": message, "type": kind, "param": protocol.OrNull(param), "code": protocol.OrNull(code),
	}}))}
}

// refused is a violation in the shape of OpenAI's errors.
func refused(v *strict.Violation) protocol.Status {
	return apiError(v.Status, v.Kind, v.Message, v.Param, v.Code)
}

// problem writes errors as OpenAI does, for both of its protocols; input is
// the name of the parameter that holds the conversation. Sources:
// https://platform.openai.com/docs/guides/error-codes, and for each kind the
// report that is named.
func problem(req *protocol.Request, p protocol.Problem, input string) protocol.Status {
	switch p.Kind {
	case protocol.DailyQuota: // https://github.com/langchain-ai/langchainjs/issues/1929
		return apiError(http.StatusTooManyRequests, "insufficient_quota",
			"You exceeded your current quota, please check your plan and billing details.", "", "insufficient_quota")
	case protocol.MinuteQuota: // https://github.com/semanser/codel/issues/72
		s := apiError(http.StatusTooManyRequests, "requests",
			"Rate limit reached for "+req.Model+" on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in "+p.Retry.String()+".", "", "rate_limit_exceeded")
		s.Header = http.Header{
			"Retry-After":    {fmt.Sprint(int64(math.Ceil(p.Retry.Seconds())))},
			"Retry-After-Ms": {fmt.Sprint(p.Retry.Milliseconds())},
		}
		return s
	case protocol.Exhausted:
		return apiError(http.StatusTooManyRequests, "tokens", "Rate limit reached for "+req.Model+".", "", "rate_limit_exceeded")
	case protocol.Overloaded, protocol.Capacity:
		return apiError(http.StatusServiceUnavailable, "server_error", "The server is currently overloaded with other requests. Please try again later.", "", "")
	case protocol.Deadline:
		return apiError(http.StatusGatewayTimeout, "server_error", "The request took too long.", "", "")
	case protocol.ContextLength: // https://github.com/Nutlope/aicommits/issues/259
		return apiError(http.StatusBadRequest, "invalid_request_error",
			"This model's maximum context length is 128000 tokens, but the request has 150000 tokens. Please reduce its length.", input, "context_length_exceeded")
	case protocol.InvalidKey: // https://github.com/continuedev/continue/issues/11409
		return apiError(http.StatusUnauthorized, "invalid_request_error",
			"Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.", "", "invalid_api_key")
	case protocol.NotFound:
		return apiError(http.StatusNotFound, "invalid_request_error",
			"The model `"+req.Model+"` does not exist or you do not have access to it.", "", "model_not_found")
	case protocol.Location: // https://platform.openai.com/docs/supported-countries
		return apiError(http.StatusForbidden, "request_forbidden", "Country, region, or territory not supported.", "", "unsupported_country_region_territory")
	case protocol.BadRequest:
		return apiError(http.StatusBadRequest, "invalid_request_error", p.Text, "", "")
	}
	return apiError(http.StatusInternalServerError, "server_error", "The server had an error while processing your request. Sorry about that!", "", "")
}

// callID is the id of the n-th part, which is a call.
func callID(req *protocol.Request, call *genai.FunctionCall, n int) string {
	if call.ID != "" {
		return call.ID
	}
	return protocol.ID("call_", req, n)
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
