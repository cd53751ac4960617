package openai

import (
	"net/http"
	"strings"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/protocol"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/strict"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest/internal/wire"
)

// Chat is OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat),
// which many servers speak: at any path that ends like OpenAI's, and at Azure's
// deployments.
type Chat struct {
	Dialect strict.Dialect // whose rules the request is held to, and how it is answered
}

func (Chat) Owns(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/chat/completions")
}

func (Chat) Decode(r *http.Request, body []byte, req *protocol.Request) error {
	in, err := readBody(r, body, req)
	if err != nil {
		return err
	}
	names := map[string]string{} // of the functions called, by the call's id
	for _, m := range wire.List(in["messages"]) {
		decodeMessage(req, m, names)
	}
	var functions []*genai.FunctionDeclaration
	for _, t := range wire.List(in["tools"]) {
		f := wire.Sub(t, "function")
		functions = append(functions, &genai.FunctionDeclaration{Name: wire.Str(f, "name"), Description: wire.Str(f, "description"), ParametersJsonSchema: f["parameters"]})
	}
	if len(functions) > 0 {
		req.Tools = []*genai.Tool{{FunctionDeclarations: functions}}
	}
	return nil
}

// decodeMessage adds one message to the request. Results that follow each other
// become one content, as a client of Gemini sends them.
func decodeMessage(req *protocol.Request, m object, names map[string]string) {
	switch wire.Str(m, "role") {
	case "system", "developer":
		if req.System == nil {
			req.System = &genai.Content{Role: genai.RoleUser}
		}
		req.System.Parts = append(req.System.Parts, decodeContent(m["content"])...)
	case "assistant":
		var parts []*genai.Part
		for _, key := range []string{"reasoning_content", "reasoning"} {
			if thought := wire.Str(m, key); thought != "" {
				parts = append(parts, &genai.Part{Text: thought, Thought: true})
			}
		}
		parts = append(parts, decodeContent(m["content"])...)
		for _, c := range wire.List(m["tool_calls"]) {
			f := wire.Sub(c, "function")
			names[wire.Str(c, "id")] = wire.Str(f, "name")
			parts = append(parts, functionCall(wire.Str(c, "id"), wire.Str(f, "name"), wire.Str(f, "arguments")))
		}
		req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleModel, Parts: parts})
	case "tool":
		output := ""
		for _, p := range decodeContent(m["content"]) {
			output += p.Text
		}
		id := wire.Str(m, "tool_call_id")
		addResult(req, protocol.FunctionResult(id, names[id], output))
	default:
		req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleUser, Parts: decodeContent(m["content"])})
	}
}

// addResult adds a function's result, to the results right before it if there are any.
func addResult(req *protocol.Request, result *genai.Part) {
	if n := len(req.Contents); n > 0 {
		if parts := req.Contents[n-1].Parts; len(parts) > 0 && parts[0].FunctionResponse != nil {
			req.Contents[n-1].Parts = append(parts, result)
			return
		}
	}
	req.Contents = append(req.Contents, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{result}})
}

// decodeContent reads a string or a list of parts, of chat completions or of
// Responses.
func decodeContent(v any) []*genai.Part {
	if s, ok := v.(string); ok && s != "" {
		return []*genai.Part{{Text: s}}
	}
	var parts []*genai.Part
	for _, p := range wire.List(v) {
		switch wire.Str(p, "type") {
		case "text", "input_text", "output_text":
			parts = append(parts, &genai.Part{Text: wire.Str(p, "text")})
		case "refusal":
			parts = append(parts, &genai.Part{Text: wire.Str(p, "refusal")})
		case "image_url":
			parts = append(parts, mediaPart(wire.Str(wire.Sub(p, "image_url"), "url")))
		case "input_image":
			parts = append(parts, mediaPart(wire.Str(p, "image_url")))
		case "input_audio":
			audio := wire.Sub(p, "input_audio")
			parts = append(parts, mediaPart("data:audio/"+wire.Str(audio, "format")+";base64,"+wire.Str(audio, "data")))
		case "file":
			parts = append(parts, filePart(wire.Sub(p, "file")))
		case "input_file":
			parts = append(parts, filePart(p))
		}
	}
	return parts
}

func filePart(file object) *genai.Part {
	for _, key := range []string{"file_data", "file_url", "file_id"} {
		if s := wire.Str(file, key); s != "" {
			part := mediaPart(s)
			if part.InlineData != nil {
				part.InlineData.DisplayName = wire.Str(file, "filename")
			}
			return part
		}
	}
	return &genai.Part{}
}

func (Chat) ErrorEvent(body string) []byte {
	return []byte("data: " + strings.ReplaceAll(body, "\n", " ") + "\n\n")
}

func (Chat) Problem(req *protocol.Request, p protocol.Problem) protocol.Status {
	return problem(req, p, "messages")
}

// Check holds the request to OpenAI's rules, or to those of the server whose
// dialect the model has been given.
func (p Chat) Check(r *http.Request, body []byte, req *protocol.Request) *protocol.Violation {
	return protocol.Refused(strict.Chat(protocol.Asked(r, body, req), p.Dialect), p.refused)
}

// BlockedStatus is how Azure answers a prompt that its filter rejects, where
// OpenAI's own endpoint has the model refuse
// (https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter).
func (Chat) BlockedStatus(req *protocol.Request) (protocol.Status, bool) {
	if !strings.Contains(req.Path, "/openai/deployments/") && !strings.Contains(req.Path, "/openai/v1/") {
		return protocol.Status{}, false
	}
	return protocol.Status{Code: http.StatusBadRequest, Body: string(protocol.Encode(object{"error": object{
		"message": "The response was filtered due to the prompt triggering the content management policy.",
		"type":    nil, "param": "prompt", "code": "content_filter", "status": http.StatusBadRequest,
		"innererror": object{"code": "ResponsibleAIPolicyViolation", "content_filter_result": object{"violence": object{"filtered": true, "severity": "high"}}},
	}}))}, true
}
