// Package anthropic writes answers and errors as Anthropic's Messages API does, and reads
// its requests.
//
// What the API refuses in strict mode is in package strict.
package anthropic

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// API is the Messages API (https://platform.claude.com/docs/en/api/messages)
// at any path that ends like Anthropic's. Like the other protocols that are not
// Gemini's it reads JSON as it came.
type API struct{}

type object = map[string]any

func (API) Owns(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/v1/messages")
}

func (API) Decode(_ *http.Request, body []byte, req *protocol.Request) error {
	var in object
	if err := json.Unmarshal(body, &in); err != nil || in == nil {
		return fmt.Errorf("fallbacktest: the request body is not valid JSON: %v", err)
	}
	req.Stream, _ = in["stream"].(bool)
	if req.Model = wire.Str(in, "model"); req.Model == "" {
		return errors.New("fallbacktest: model: field required")
	}
	names := map[string]string{} // of the functions called, by the call's id
	for _, m := range wire.List(in["messages"]) {
		c := &genai.Content{Role: genai.RoleUser}
		if wire.Str(m, "role") == "assistant" {
			c.Role = genai.RoleModel
		}
		for _, b := range wire.Blocks(m["content"]) {
			if p := blockPart(b, names); p != nil {
				c.Parts = append(c.Parts, p)
			}
		}
		req.Contents = append(req.Contents, c)
	}
	for _, b := range wire.Blocks(in["system"]) {
		if req.System == nil {
			req.System = &genai.Content{Role: genai.RoleUser}
		}
		req.System.Parts = append(req.System.Parts, &genai.Part{Text: wire.Str(b, "text")})
	}
	var functions []*genai.FunctionDeclaration
	for _, t := range wire.List(in["tools"]) {
		if wire.IsCustomTool(t) {
			functions = append(functions, &genai.FunctionDeclaration{Name: wire.Str(t, "name"), Description: wire.Str(t, "description"), ParametersJsonSchema: t["input_schema"]})
		}
	}
	if len(functions) > 0 {
		req.Tools = []*genai.Tool{{FunctionDeclarations: functions}}
	}
	return nil
}

// blockPart is a block in genai's terms, nil if genai has none for it.
func blockPart(b object, names map[string]string) *genai.Part {
	switch wire.Str(b, "type") {
	case "text":
		return &genai.Part{Text: wire.Str(b, "text")}
	case "thinking":
		return &genai.Part{Text: wire.Str(b, "thinking"), Thought: true, ThoughtSignature: []byte(wire.Str(b, "signature"))}
	case "redacted_thinking":
		return &genai.Part{Thought: true, ThoughtSignature: []byte(wire.Str(b, "data"))}
	case "image", "document":
		source := wire.Sub(b, "source")
		if url := wire.Str(source, "url"); url != "" {
			return &genai.Part{FileData: &genai.FileData{FileURI: url}}
		}
		data, _ := base64.StdEncoding.DecodeString(wire.Str(source, "data"))
		return &genai.Part{InlineData: &genai.Blob{MIMEType: wire.Str(source, "media_type"), Data: data}}
	case "tool_use":
		id, name, input := wire.Str(b, "id"), wire.Str(b, "name"), wire.Sub(b, "input")
		names[id] = name
		return &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: input}}
	case "tool_result":
		id, output := wire.Str(b, "tool_use_id"), ""
		for _, c := range wire.Blocks(b["content"]) {
			output += wire.Str(c, "text")
		}
		return protocol.FunctionResult(id, names[id], output)
	}
	return nil
}

// Problem writes errors as Anthropic does.
// (https://platform.claude.com/docs/en/api/errors)
func (API) Problem(req *protocol.Request, p protocol.Problem) protocol.Status {
	switch p.Kind {
	case protocol.DailyQuota: // a spend limit that is reached comes without retry-after
		return apiError(req, http.StatusTooManyRequests, "rate_limit_error",
			"You have reached your organization's monthly spend limit.", object{"error_code": "enforced_spend_limit_reached"})
	case protocol.MinuteQuota:
		s := apiError(req, http.StatusTooManyRequests, "rate_limit_error",
			"This request would exceed your organization's rate limit of 50 requests per minute.", nil)
		s.Header.Set("Retry-After", fmt.Sprint(int64(math.Ceil(p.Retry.Seconds()))))
		s.Header.Set("Anthropic-Ratelimit-Requests-Limit", "50")
		s.Header.Set("Anthropic-Ratelimit-Requests-Remaining", "0")
		return s
	case protocol.Exhausted:
		return apiError(req, http.StatusTooManyRequests, "rate_limit_error", "Number of requests has exceeded your rate limit.", nil)
	case protocol.Overloaded, protocol.Capacity:
		return apiError(req, 529, "overloaded_error", "Overloaded", nil)
	case protocol.Deadline:
		return apiError(req, http.StatusGatewayTimeout, "timeout_error", "Request timed out.", nil)
	case protocol.ContextLength: // https://platform.claude.com/docs/en/build-with-claude/context-windows
		return apiError(req, http.StatusBadRequest, "invalid_request_error", "prompt is too long: 1200293 tokens > 1000000 maximum", nil)
	case protocol.InvalidKey:
		return apiError(req, http.StatusUnauthorized, "authentication_error", "invalid x-api-key", nil)
	case protocol.NotFound:
		return apiError(req, http.StatusNotFound, "not_found_error", "model: "+req.Model, nil)
	case protocol.Location:
		return apiError(req, http.StatusForbidden, "permission_error", "Request not allowed", nil)
	case protocol.BadRequest:
		return apiError(req, http.StatusBadRequest, "invalid_request_error", p.Text, nil)
	}
	return apiError(req, http.StatusInternalServerError, "api_error", "Internal server error", nil)
}

func (API) Check(r *http.Request, body []byte, req *protocol.Request) *protocol.Violation {
	return protocol.Refused(strict.Anthropic(protocol.Asked(r, body, req)), func(v *strict.Violation) protocol.Status {
		return apiError(req, v.Status, v.Kind, v.Message, nil)
	})
}

func apiError(req *protocol.Request, code int, kind, message string, details object) protocol.Status {
	e := object{"type": kind, "message": message}
	if details != nil {
		e["details"] = details
	}
	id := protocol.ID("req_", req, 0)
	return protocol.Status{
		Code:   code,
		Header: http.Header{"Request-Id": {id}},
		Body:   string(protocol.Encode(object{"type": "error", "error": e, "request_id": id})),
	}
}

func (API) ErrorEvent(body string) []byte {
	return []byte("event: error\ndata: " + strings.ReplaceAll(body, "\n", " ") + "\n\n")
}
