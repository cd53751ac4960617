package fallbacktest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// anthropic is the Messages API (https://platform.claude.com/docs/en/api/messages)
// at any path that ends like Anthropic's. Like the other protocols that are not
// Gemini's it reads JSON as it came.
type anthropic struct{}

func (anthropic) owns(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/v1/messages")
}

func (anthropic) decode(_ *http.Request, body []byte, req *Request) error {
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
		return functionResult(id, names[id], output)
	}
	return nil
}

// problem writes errors as Anthropic does.
// (https://platform.claude.com/docs/en/api/errors)
func (anthropic) problem(req *Request, p problem) status {
	switch p.kind {
	case dailyQuota: // a spend limit that is reached comes without retry-after
		return anthropicError(req, http.StatusTooManyRequests, "rate_limit_error",
			"You have reached your organization's monthly spend limit.", object{"error_code": "enforced_spend_limit_reached"})
	case minuteQuota:
		s := anthropicError(req, http.StatusTooManyRequests, "rate_limit_error",
			"This request would exceed your organization's rate limit of 50 requests per minute.", nil)
		s.header.Set("Retry-After", fmt.Sprint(int64(math.Ceil(p.retry.Seconds()))))
		s.header.Set("Anthropic-Ratelimit-Requests-Limit", "50")
		s.header.Set("Anthropic-Ratelimit-Requests-Remaining", "0")
		return s
	case exhausted:
		return anthropicError(req, http.StatusTooManyRequests, "rate_limit_error", "Number of requests has exceeded your rate limit.", nil)
	case overloaded, capacity:
		return anthropicError(req, 529, "overloaded_error", "Overloaded", nil)
	case deadline:
		return anthropicError(req, http.StatusGatewayTimeout, "timeout_error", "Request timed out.", nil)
	case contextLength: // https://platform.claude.com/docs/en/build-with-claude/context-windows
		return anthropicError(req, http.StatusBadRequest, "invalid_request_error", "prompt is too long: 1200293 tokens > 1000000 maximum", nil)
	case invalidKey:
		return anthropicError(req, http.StatusUnauthorized, "authentication_error", "invalid x-api-key", nil)
	case notFound:
		return anthropicError(req, http.StatusNotFound, "not_found_error", "model: "+req.Model, nil)
	case location:
		return anthropicError(req, http.StatusForbidden, "permission_error", "Request not allowed", nil)
	case badRequest:
		return anthropicError(req, http.StatusBadRequest, "invalid_request_error", p.text, nil)
	}
	return anthropicError(req, http.StatusInternalServerError, "api_error", "Internal server error", nil)
}

func (anthropic) check(r *http.Request, body []byte, req *Request) *violation {
	return refused(strict.Anthropic(asked(r, body, req)), func(v *strict.Violation) status {
		return anthropicError(req, v.Status, v.Kind, v.Message, nil)
	})
}

func anthropicError(req *Request, code int, kind, message string, details object) status {
	e := object{"type": kind, "message": message}
	if details != nil {
		e["details"] = details
	}
	id := openAIID("req_", req, 0)
	return status{
		code:   code,
		header: http.Header{"Request-Id": {id}},
		body:   string(encode(object{"type": "error", "error": e, "request_id": id})),
	}
}

func (anthropic) errorEvent(body string) []byte {
	return []byte("event: error\ndata: " + strings.ReplaceAll(body, "\n", " ") + "\n\n")
}
